import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A server on a free port of the loopback address, for tests. Disposing it cuts its connections. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** How many connections have come in. */
  readonly connectionCount: number;
  /** Resolves once every connection that has come in is closed, at both ends. */
  allClosed(): Promise<void>;
}

export function serveHttp(listener: RequestListener): Promise<TestServer> {
  return start(createHttpServer(listener));
}

export function serveHttps(credentials: { key: string; cert: string }, listener: RequestListener): Promise<TestServer> {
  return start(createHttpsServer(credentials, listener));
}

/** Hands over each bare connection. What comes in is read in any case, or the end of it would go unnoticed. */
export function serveTcp(listener: (socket: Socket) => void): Promise<TestServer> {
  return start(createTcpServer((socket) => listener(socket.resume())));
}

/** Sends these bytes to whoever connects, once the request's headers have come, and leaves the connection open. */
export function serveBytes(bytes: string): Promise<TestServer> {
  return serveTcp((socket) => void socket.once('data', () => socket.write(bytes, 'latin1')));
}

async function start(server: Server): Promise<TestServer> {
  const open = new Set<Socket>();
  let connectionCount = 0;
  server.on('connection', (socket: Socket) => {
    connectionCount += 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connectionCount() {
      return connectionCount;
    },
    async allClosed() {
      await Promise.all([...open].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
