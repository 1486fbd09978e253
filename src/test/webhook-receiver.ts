/** A receiver of webhooks: a real HTTP server that keeps all that it was sent. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

export interface ReceivedWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
  /** Whether the public library took its signature when it came; false before the receiver knows a secret. */
  readonly verified: boolean;
}

export interface WebhookReceiver extends AsyncDisposable {
  /** `127.0.0.1:PORT`, for EARSHOT_FETCH_ALLOW. */
  readonly hostAndPort: string;
  readonly received: readonly ReceivedWebhook[];
  url(path?: string): string;
  /** Signatures are checked from now on, as they come: they are good for minutes only. */
  verifyWith(secret: string): void;
  /** What the next ones are answered with; 200 at first. */
  answerWith(status: number): void;
}

export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let status = 200;
  let webhook: Webhook | null = null;
  const verifies = (headers: IncomingHttpHeaders, body: string): boolean => {
    try {
      return webhook !== null && webhook.verify(body, headers as Record<string, string>) !== null;
    } catch {
      return false;
    }
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { headers, url: path = '' } = request;
      received.push({ headers, body, path, verified: verifies(headers, body) });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const hostAndPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    hostAndPort,
    received,
    url: (path = '/hook') => `http://${hostAndPort}${path}`,
    verifyWith: (secret) => void (webhook = new Webhook(secret)),
    answerWith: (next) => void (status = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
