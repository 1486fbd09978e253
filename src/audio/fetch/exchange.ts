import { request as startRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { FetchError } from './fetch-error.ts';
import type { FetchLimits } from './limits.ts';
import type { Target } from './target.ts';

/** What is asked for; a plain GET where members are left out. */
export interface FetchRequest {
  readonly method?: 'GET' | 'POST';
  /** Sent to the first host only, never to one that it redirects to. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Sends one request over a connected socket and gives the answer as soon as its headers are there. */
export function exchange(
  socket: Socket,
  target: Target,
  { method = 'GET', headers = {}, body }: FetchRequest,
  headerBytesMax: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // TLS, if any, is the socket's. Without an agent nothing is kept alive and no proxy of the environment can step in.
    const outgoing = startRequest({
      createConnection: () => socket,
      method,
      path: `${target.url.pathname}${target.url.search}`,
      setHost: false,
      headers: {
        ...headers,
        Host: target.url.host,
        Accept: '*/*',
        'Accept-Encoding': 'identity',
        'User-Agent': 'earshot',
        Connection: 'close',
        ...(body === undefined ? {} : { 'Content-Length': body.length }),
      },
      maxHeaderSize: headerBytesMax,
      insecureHTTPParser: false,
    });
    outgoing.once('response', resolve);
    // An error after the answer's headers reaches whoever reads the body.
    outgoing.on('error', reject);
    outgoing.once('close', () => reject(new FetchError('failed', 'headers: closed without an answer')));
    outgoing.end(body);
  });
}

/** Refuses an answer that is coded or that announces too many bytes, before any of them is read. */
export function checkHeaders({ headers }: IncomingMessage, limits: FetchLimits): void {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  // A decoder in front of the byte limit would make the limit worthless.
  if (coding !== '' && coding !== 'identity') throw new FetchError('failed', 'headers: the content is encoded');
  const transfer = headers['transfer-encoding']?.trim().toLowerCase() ?? 'chunked';
  if (transfer !== 'chunked') throw new FetchError('failed', 'headers: the transfer is encoded');
  if (Number(headers['content-length'] ?? 0) > limits.bodyBytesMax)
    throw new FetchError('too_large', 'The announced length is over the limit.');
}
