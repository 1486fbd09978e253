/** A hub on this machine that serves a checkpoint. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { REPOSITORY } from './hub.ts';

export interface Hub extends AsyncDisposable {
  readonly baseUrl: string;
  /** Paths with their ranges, as they were asked for. */
  readonly asked: string[];
  /** Answers the next request for the weights. */
  next: ((request: IncomingMessage, response: ServerResponse) => void) | null;
}

/** A hub with Hugging Face's two addresses: the list of files with their hashes, and the files with ranges. */
export async function startHub(files: Readonly<Record<string, Buffer>>): Promise<Hub> {
  const asked: string[] = [];
  const state: { next: Hub['next'] } = { next: null };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    if (path === `/hub/api/models/${REPOSITORY}/tree/main`) return void response.end(JSON.stringify(listing(files)));
    const name = path.slice(`/hub/${REPOSITORY}/resolve/main/`.length);
    asked.push(`${name} ${request.headers.range ?? ''}`.trim());
    const content = files[name];
    if (content === undefined) return void response.writeHead(404).end();
    const { next } = state;
    if (name === 'model.safetensors' && next !== null) {
      state.next = null;
      return next(request, response);
    }
    sendRange(request, response, content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hub`,
    asked,
    get next() {
      return state.next;
    },
    set next(value) {
      state.next = value;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function listing(content: Readonly<Record<string, Buffer>>): object[] {
  const files = Object.entries(content).map(([path, bytes]) => {
    const git = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    const plain = { type: 'file', path, size: bytes.length, oid: git };
    if (!path.endsWith('.safetensors')) return plain;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { ...plain, oid: '0'.repeat(40), lfs: { oid: sha256, size: bytes.length, pointerSize: 134 } };
  });
  return [...files, { type: 'directory', path: 'examples', size: 0, oid: '1'.repeat(40) }];
}

function sendRange(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  response.writeHead(start === undefined ? 200 : 206).end(content.subarray(Number(start ?? 0)));
}
