/** The listening socket: finite times and sizes before the first byte of a request is believed. */
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
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

export async function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  host: string,
  port: number,
  log: Logger,
): Promise<HttpServer> {
  const respond = getRequestListener(app.fetch as (request: Request, bindings: unknown) => Promise<Response>, {
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    errorHandler: () => {
      const { status, body, requestId } = malformed(log, 'host');
      return new Response(body, { status, headers: { ...JSON_HEADERS, 'x-request-id': requestId } });
    },
  });
  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: CONNECTION_CHECK_MS,
    // A request without it is refused by the adapter, in the contract's shape.
    requireHostHeader: false,
  });
  server.maxConnections = CONNECTIONS_MAX;
  /** Connections on which an answer is owed: one to bad bytes behind the request would be taken for it. */
  const owing = new Set<Socket>();
  server.on('request', (incoming, outgoing) => {
    const { socket } = incoming;
    owing.add(socket);
    outgoing.once('close', () => owing.delete(socket));
    limitDiscarding(incoming, outgoing);
    void respond(incoming, outgoing);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (owing.has(socket as Socket)) socket.destroy();
    else refuseMalformed(error.code ?? 'unknown', socket as Socket, log);
  });
  server.on('checkExpectation', (_, outgoing: ServerResponse) => refuse(outgoing, log, 'expectation'));
  server.on('connect', (_, socket) => refuseMalformed('CONNECT', socket as Socket, log));
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
  // The request loses its socket when it is destroyed, so that the socket is remembered here.
  const { socket } = incoming;
  outgoing.once('finish', () => {
    if (incoming.complete || incoming.destroyed) return;
    let discarded = 0;
    const timer = setTimeout(() => socket.destroy(), DISCARDED_MS_MAX);
    incoming.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > DISCARDED_BYTES_MAX) socket.destroy();
    });
    incoming.once('close', () => clearTimeout(timer));
    incoming.resume();
  });
}

/** What the HTTP parser refuses never becomes a request, but still gets an answer in the contract's shape. */
function refuseMalformed(reason: string, socket: Socket, log: Logger): void {
  if (reason === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { status, body, requestId } = malformed(log, reason);
  const head = [
    `HTTP/1.1 ${status} Bad Request`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end([...head, '', body].join('\r\n'));
}

function refuse(outgoing: ServerResponse, log: Logger, reason: string): void {
  const { status, body, requestId } = malformed(log, reason);
  outgoing
    .writeHead(status, {
      ...JSON_HEADERS,
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
      connection: 'close',
    })
    .end(body);
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

function malformed(log: Logger, reason: string): { status: number; body: string; requestId: string } {
  const requestId = newId('req');
  const error = new AppError('invalid_parameter', {
    message: 'The request is not valid HTTP, or its headers are too large or came too slowly.',
  });
  log.info({ request_id: requestId, status: error.status, code: error.code, reason }, 'request-malformed');
  return { status: error.status, body: `${JSON.stringify(errorBody(error, requestId))}\n`, requestId };
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
