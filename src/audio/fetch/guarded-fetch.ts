/**
 * The one way in which earshot reaches an address that a caller chose, for audio and for webhooks: every URL, every
 * address, every redirect and every byte of the answer is held to the same rules.
 *
 * A URL passes `target.ts` (what can be judged without the network), `dial.ts` (its addresses, the connection itself)
 * and `exchange.ts` (request and headers); the bytes then come through `body.ts`.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { systemClock, type Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { parseAllowList } from './allow-list.ts';
import { readBody } from './body.ts';
import { connectTcp, type Connect } from './connect.ts';
import { startSpan, within, type Span } from './deadline.ts';
import { dial } from './dial.ts';
import { checkHeaders, exchange, type FetchRequest } from './exchange.ts';
import { FetchError, networkError } from './fetch-error.ts';
import { DEFAULT_FETCH_LIMITS, type FetchLimits } from './limits.ts';
import { createResolver, type Resolve } from './resolve.ts';
import { checkUrl, type Target } from './target.ts';

/** An answer whose headers were accepted. Disposing it closes the connection. */
export interface FetchResponse extends Disposable {
  /** Any status but that of a redirect that was followed. */
  readonly status: number;
  /** Can be read once. Throws a `FetchError`, or the signal's reason after an abort. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface GuardedFetch {
  /** Throws a `FetchError`, or the signal's reason after an abort. The signal counts until the body has been read. */
  (url: string, signal: AbortSignal, request?: FetchRequest): Promise<FetchResponse>;
  /** Judges a URL as far as that goes without the network. Throws a `FetchError`. */
  check(url: string): void;
}

export interface GuardedFetchOptions {
  readonly log: Logger;
  /** `host:port` entries that may be reached although they are not public; a wrong entry throws. */
  readonly allow?: readonly string[];
  readonly limits?: Partial<FetchLimits>;
  readonly resolve?: Resolve;
  readonly connect?: Connect;
  readonly clock?: Clock;
  /** PEM certificates that are trusted in place of the system's. */
  readonly trustedCertificates?: string;
}

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { log, allow = [], resolve = createResolver(), connect = connectTcp, clock = systemClock } = options;
  const limits: FetchLimits = { ...DEFAULT_FETCH_LIMITS, ...options.limits };
  const allowList = parseAllowList(allow);
  const dialer = { resolve, connect, limits, trustedCertificates: options.trustedCertificates };

  async function follow(url: string, request: FetchRequest, call: Span): Promise<IncomingMessage> {
    let target = checkUrl(url, allowList, limits.urlCharactersMax);
    let answer = await ask(target, request, call);
    for (let redirects = 1; isRedirect(answer, request); redirects += 1) {
      answer.destroy();
      if (redirects > limits.redirectsMax) throw new FetchError('failed', 'Too many redirects.');
      target = nextTarget(target, answer);
      answer = await ask(target, {}, call);
    }
    // What a POST is answered counts by its status: whoever wants the body has asked for it.
    if (request.method !== 'POST') checkHeaders(answer, limits);
    return answer;
  }

  function nextTarget(from: Target, answer: IncomingMessage): Target {
    // Node gives header bytes as Latin-1; many servers write the new address in UTF-8.
    const location = Buffer.from(answer.headers.location ?? '', 'latin1').toString('utf8');
    if (location === '') throw new FetchError('failed', 'A redirect without an address.');
    const to = checkUrl(location, allowList, limits.urlCharactersMax, from.url);
    if (from.url.protocol === 'https:' && to.url.protocol !== 'https:')
      throw new FetchError('url_not_allowed', 'A redirect from https to http.');
    return to;
  }

  async function ask(target: Target, request: FetchRequest, { signal }: Span): Promise<IncomingMessage> {
    const socket = await dial(dialer, target, signal);
    return within(signal, 'headers', limits.headersMs, () =>
      exchange(socket, target, request, limits.headerBytesMax),
    ).catch((error: unknown) => {
      throw signal.aborted ? error : networkError('headers', error);
    });
  }

  const check = (url: string): void => void checkUrl(url, allowList, limits.urlCharactersMax);

  const guardedFetch = async (url: string, signal: AbortSignal, request: FetchRequest = {}): Promise<FetchResponse> => {
    const call = startSpan(signal, 'total', limits.totalMs);
    const end = (error?: unknown): void => {
      if (error instanceof FetchError)
        log.info({ ...describe(url), kind: error.kind, detail: error.message }, 'fetch-refused');
      // The abort closes every connection of the call.
      call.abort(error);
      call[Symbol.dispose]();
    };
    try {
      const answer = await follow(url, request, call);
      const status = answer.statusCode ?? 0;
      log.debug({ ...describe(url), status }, 'fetch-answered');
      return { status, body: endingWith(readBody(answer, call, limits, clock), end), [Symbol.dispose]: () => end() };
    } catch (error) {
      end(error);
      throw error;
    }
  };
  return Object.assign(guardedFetch, { check });
}

function isRedirect(answer: IncomingMessage, { method = 'GET' }: FetchRequest): boolean {
  // A POST is meant for one receiver: its answer is final, whatever it says.
  return method === 'GET' && REDIRECT_STATUSES.has(answer.statusCode ?? 0);
}

async function* endingWith<Item>(items: AsyncIterable<Item>, end: (error?: unknown) => void): AsyncGenerator<Item> {
  try {
    yield* items;
  } catch (error) {
    end(error);
    throw error;
  } finally {
    end();
  }
}

/** A URL may be signed and is then a credential: the log gets its scheme, its host, and a hash to find it again. */
function describe(url: string): Readonly<Record<string, string>> {
  const hash = createHash('sha256').update(url).digest('hex').slice(0, 12);
  if (!URL.canParse(url)) return { url_hash: hash };
  const { protocol, host } = new URL(url);
  return { scheme: protocol.slice(0, -1), host, url_hash: hash };
}
