/** The listening socket: finite times and sizes before the first byte of a request is believed. */
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { errorBody } from './error-response.ts';

const HEADER_BYTES_MAX = 16_384;
const HEADERS_MS_MAX = 10_000;
const REQUEST_MS_MAX = 60_000;
const CONNECTION_CHECK_MS = 1_000;
const CONNECTIONS_MAX = 4_096;
const IDLE_CHECK_MS = 20;
const CLOSE_MS_MAX = 1_500;
const DISCARDED_BYTES_MAX = 32 * 2 ** 20;
const DISCARDED_MS_MAX = 10_000;

export interface HttpServer {
  /** The address in use, with the port that the system chose where 0 was asked for. */
  readonly url: string;
  /** Closes connections that wait for nothing; those with a call in flight stay. */
  closeIdle(): void;
  /** Stops listening, lets answers leave, and ends every connection. */
  close(): Promise<void>;
}

export async function listen(app: Hono<{ Bindings: HttpBindings }>, host: string, port: number): Promise<HttpServer> {
  const respond = getRequestListener(app.fetch as (request: Request, bindings: unknown) => Promise<Response>, {
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    errorHandler: () => badRequest(),
  });
  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: CONNECTION_CHECK_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('request', (incoming, outgoing) => {
    limitDiscarding(incoming, outgoing);
    void respond(incoming, outgoing);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseMalformed(error, socket as Socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    closeIdle: () => server.closeIdleConnections(),
    close: () => close(server),
  };
}

/**
 * A refused upload goes on arriving after its answer was written. It is read and thrown away for a while, since a client
 * that is still sending would see a reset instead of the answer.
 */
function limitDiscarding(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('finish', () => {
    if (incoming.complete) return;
    let discarded = 0;
    const timer = setTimeout(() => incoming.socket.destroy(), DISCARDED_MS_MAX);
    incoming.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > DISCARDED_BYTES_MAX) incoming.socket.destroy();
    });
    incoming.once('close', () => clearTimeout(timer));
    incoming.resume();
  });
}

/** What the HTTP parser refuses never becomes a request, but still gets an answer in the contract's shape. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { body, requestId } = malformed();
  const head = [
    'HTTP/1.1 400 Bad Request',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end([...head, `x-request-id: ${requestId}`, 'connection: close', '', body].join('\r\n'));
}

function badRequest(): Response {
  const { body, requestId } = malformed();
  return new Response(body, {
    status: 400,
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': requestId },
  });
}

function malformed(): { body: string; requestId: string } {
  const requestId = newId('req');
  const error = new AppError('invalid_parameter', {
    message: 'The request is not valid HTTP, or its headers are too large or came too slowly.',
  });
  return { body: `${JSON.stringify(errorBody(error, requestId))}\n`, requestId };
}

/** Answers that are being written get a moment to leave; then whatever is still open is cut. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
