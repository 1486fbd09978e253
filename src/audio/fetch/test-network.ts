/**
 * A network for tests: names that resolve to whatever the test says, and addresses behind which servers of this machine
 * stand. The sockets are real; they only claim to have reached the address that was asked for.
 */
import { silentLogger } from '../../core/log.ts';
import { connectTcp, type Connect } from './connect.ts';
import type { FetchErrorKind } from './fetch-error.ts';
import {
  createGuardedFetch,
  type FetchResponse,
  type GuardedFetch,
  type GuardedFetchOptions,
} from './guarded-fetch.ts';
import type { Resolve } from './resolve.ts';

export interface TestNetwork {
  readonly resolve: Resolve;
  readonly connect: Connect;
  /** `scope name` of each lookup, in order. */
  readonly lookups: string[];
  /** `address:port` of each connection that was tried, in order. */
  readonly connections: string[];
}

export interface TestPlaces {
  readonly names?: Readonly<Record<string, readonly string[] | (() => readonly string[])>>;
  /** From `address:port` to a port of this machine's loopback address. All else refuses the connection. */
  readonly servers?: Readonly<Record<string, number>>;
}

export function createTestNetwork({ names = {}, servers = {} }: TestPlaces): TestNetwork {
  const lookups: string[] = [];
  const connections: string[] = [];
  return {
    lookups,
    connections,
    async resolve(name, scope) {
      lookups.push(`${scope} ${name}`);
      const answer = names[name];
      if (answer === undefined) throw Object.assign(new Error('No such name.'), { code: 'ENOTFOUND' });
      return typeof answer === 'function' ? answer() : answer;
    },
    async connect(address, port, signal) {
      connections.push(`${address}:${port}`);
      const server = servers[`${address}:${port}`];
      if (server === undefined) throw Object.assign(new Error('Nothing listens.'), { code: 'ECONNREFUSED' });
      const socket = await connectTcp('127.0.0.1', server, signal);
      return Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true });
    },
  };
}

/** A signal that nothing aborts. */
export const NEVER = new AbortController().signal;

/** A fetch in a network of the test's own, and what it did there. */
export function setUp({ names = {}, servers = {}, ...options }: TestPlaces & Partial<GuardedFetchOptions>): {
  readonly network: TestNetwork;
  readonly guardedFetch: GuardedFetch;
} {
  const network = createTestNetwork({ names, servers });
  return { network, guardedFetch: createGuardedFetch({ log: silentLogger, ...network, ...options }) };
}

export async function readText(response: FetchResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** For `assert.rejects`. */
export function refusal(kind: FetchErrorKind): { readonly name: string; readonly kind: FetchErrorKind } {
  return { name: 'FetchError', kind };
}
