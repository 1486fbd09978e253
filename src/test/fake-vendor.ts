/** What the fakes of vendors have in common: a real HTTP server on the loopback address that can be told to misbehave. */
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ROOT } from './running-server.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body: unknown;
}

/** What the server does with one request instead of answering it as the vendor would. */
export type Misbehaviour =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** Answers well, but only then. */
  | { readonly kind: 'slow'; readonly until: Promise<unknown> }
  | { readonly kind: 'hang' | 'hang-half-way' | 'drop' | 'drop-half-way' }
  | { readonly kind: 'redirect'; readonly to: string };

export interface VendorRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** How many requests are being worked on, this one included. */
  readonly inFlight: number;
}

export interface FakeVendor extends AsyncDisposable {
  readonly origin: string;
  /** Every request that has come in whole, in order. */
  readonly requests: readonly VendorRequest[];
  /** The most requests that it worked on at the same time. */
  readonly inFlightMost: number;
  /** One for each of the next requests. */
  next(...misbehaviours: readonly Misbehaviour[]): void;
  /** Is asked about each request that `next` says nothing about; null lets it pass. */
  misbehave: (request: VendorRequest) => Misbehaviour | null | Promise<Misbehaviour | null>;
  /** Resolves once so many requests have come in whole. */
  received(count: number): Promise<void>;
  /** Resolves once no request is open. */
  idle(): Promise<void>;
}

/** @param answer as the vendor would. */
export async function startFakeVendor(answer: (request: VendorRequest) => Promise<Answer>): Promise<FakeVendor> {
  const requests: VendorRequest[] = [];
  const queue: Misbehaviour[] = [];
  const changes = new EventEmitter().setMaxListeners(0);
  let inFlight = 0;
  let inFlightMost = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const received: VendorRequest = {
      path: request.url ?? '/',
      headers: request.headers,
      body: Buffer.concat(chunks),
      inFlight,
    };
    requests.push(received);
    changes.emit('change');
    await reply(received, response, queue.shift() ?? (await vendor.misbehave(received)));
  }

  async function reply(request: VendorRequest, response: ServerResponse, how: Misbehaviour | null): Promise<void> {
    if (how?.kind === 'hang') return;
    if (how?.kind === 'drop') return void response.destroy();
    if (how?.kind === 'redirect') return void response.writeHead(307, { location: how.to }).end();
    if (how?.kind === 'slow') await how.until;
    const { status, headers, body } = how?.kind === 'answer' ? how.answer : await answer(request);
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const type = typeof body === 'string' ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
    if (how?.kind !== 'hang-half-way' && how?.kind !== 'drop-half-way') return void response.end(bytes);
    response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
      if (how.kind === 'drop-half-way') response.destroy();
    });
  }

  const server = createServer((request, response) => {
    inFlight += 1;
    inFlightMost = Math.max(inFlightMost, inFlight);
    response.once('close', () => {
      inFlight -= 1;
      changes.emit('change');
    });
    // A caller that leaves in the middle of its body is no failure of the fake.
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(changes, 'change');
  }

  const vendor: FakeVendor = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get inFlightMost() {
      return inFlightMost;
    },
    next: (...misbehaviours) => void queue.push(...misbehaviours),
    misbehave: () => null,
    received: (count) => until(() => requests.length >= count),
    idle: () => until(() => inFlight === 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return vendor;
}

/** The fields of a multipart body; null where it is none. */
export async function readForm({ headers, body }: VendorRequest): Promise<FormData | null> {
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return null;
  return new Response(Uint8Array.from(body), { headers: { 'content-type': type } }).formData();
}

/** The samples of a wav as vendors want it, 16 kHz, mono, 16 bit; null for anything else. */
export function readWav(bytes: Buffer): Int16Array | null {
  const isWav =
    bytes.length >= 44 && bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WAVE';
  if (!isWav) return null;
  const [format, channels, rate, bits] = [20, 22, 24, 34].map((offset) => bytes.readUInt16LE(offset));
  if (format !== 1 || channels !== 1 || rate !== 16_000 || bits !== 16) return null;
  if (bytes.readUInt32LE(4) !== bytes.length - 8 || bytes.readUInt32LE(40) !== bytes.length - 44) return null;
  return new Int16Array(Uint8Array.from(bytes.subarray(44)).buffer);
}

/** A recorded shape of `fixtures/vendors`. */
export function vendorShapes<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, 'fixtures/vendors', `${name}.json`), 'utf8')) as T;
}

export interface RecordedError extends Answer {
  /** What it means in earshot's terms. */
  readonly fault: string;
  readonly retryAfterMs?: number;
}
