/**
 * One POST to the address that an engine is configured with. It is the operator's own address, so that the guards for
 * callers' URLs don't apply; but the reply is held to limits, a redirect is refused (the key would travel along), and no
 * proxy is taken from the environment.
 */
import type { Clock } from '../core/clock.ts';
import { EngineError } from './contract.ts';
import { readRetryAfter } from './retry-after.ts';

const REPLY_BYTES_MAX = 2 ** 20;

export interface VendorClientOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface VendorReply {
  readonly status: number;
  /** Parsed JSON; undefined where it is none. */
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

export interface VendorClient {
  /** Rejects with the signal's reason soon after an abort, else with an `EngineError`. */
  post(path: string, body: FormData | string, signal: AbortSignal): Promise<VendorReply>;
  /** Stops what is in flight and waits until it has stopped. */
  close(): Promise<void>;
}

export function createVendorClient(options: VendorClientOptions): VendorClient {
  const { baseUrl, headers, timeoutMs, clock } = options;
  const attempts = new Map<AbortController, Promise<VendorReply>>();

  async function attempt(url: string, body: FormData | string, stop: AbortSignal): Promise<VendorReply> {
    const response = await fetch(url, {
      method: 'POST',
      // The content type of a form comes with its boundary.
      headers: { ...headers, ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}) },
      body,
      redirect: 'manual',
      signal: stop,
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new EngineError('unavailable', {
        detail: `It answered with a redirect (HTTP ${response.status}), which is not followed: set base_url to the final address.`,
      });
    }
    return {
      status: response.status,
      body: parseJson(await readText(response)),
      retryAfterMs: readRetryAfter(response.headers.get('retry-after'), clock.now()),
    };
  }

  return {
    async post(path, body, signal) {
      signal.throwIfAborted();
      const stop = new AbortController();
      const onAbort = (): void => stop.abort(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(() => stop.abort(tooLate(timeoutMs)), timeoutMs);
      const reply = attempt(`${baseUrl}${path}`, body, stop.signal);
      attempts.set(stop, reply);
      try {
        return await reply;
      } catch (error) {
        stop.signal.throwIfAborted();
        throw error instanceof EngineError ? error : unreachable(error);
      } finally {
        attempts.delete(stop);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
    },
    async close() {
      for (const stop of attempts.keys()) stop.abort(new EngineError('unavailable', { detail: 'It is closed.' }));
      await Promise.allSettled(attempts.values());
    },
  };
}

function tooLate(timeoutMs: number): EngineError {
  return new EngineError('failed', {
    code: 'engine_timeout',
    detail: `It gave no answer within ${timeoutMs / 1000} s.`,
  });
}

/** Whatever has no HTTP answer: no such host, nobody who listens, a connection that ended too soon. */
function unreachable(error: unknown): EngineError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : String(cause);
  return new EngineError('failed', { detail: `It is not reachable, or the connection broke off (${code}).`, cause });
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of response.body ?? []) {
    byteLength += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (byteLength > REPLY_BYTES_MAX) throw new EngineError('failed', { detail: 'Its reply has more than 1 MiB.' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
