/** One request to the server, tried again by the rules: never where that could do or charge anything twice. */
import { EarshotError, errorOfReply, networkError } from './earshot-error.ts';

export interface Transport {
  readonly baseUrl: string;
  readonly key: string;
  readonly fetch: typeof globalThis.fetch;
  /** Second tries of one call. */
  readonly retries: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Rejects with the signal's reason after an abort. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FormData | ReadableStream<Uint8Array>;
  /** Makes a repetition harmless: the server runs and charges calls with the same key once. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal | undefined;
}

const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 8_000;
/** A server that asks for more patience than this gets none: the caller decides. */
const RETRY_AFTER_SECONDS_MAX = 60;
/** As long as a call may take: so long it makes sense to ask for the reply of one that still runs. */
const IN_PROGRESS_MS_MAX = 600_000;

/**
 * What `read` makes of the 2xx response. Throws an `EarshotError`, or the signal's reason after an abort. A connection that
 * breaks while the reply is read counts like one that breaks before.
 */
export async function send<Reply>(
  transport: Transport,
  outgoing: Outgoing,
  read: (response: Response) => Promise<Reply>,
): Promise<Reply> {
  let tries = 0;
  let inProgressMs = 0;
  for (;;) {
    try {
      return await read(await attempt(transport, outgoing));
    } catch (error) {
      if (!(error instanceof EarshotError) || !mayRepeat(outgoing, error)) throw error;
      const delayMs = delayMsBefore(tries, error, transport.random);
      if (error.code === 'idempotency_in_progress') {
        inProgressMs += delayMs;
        if (inProgressMs > IN_PROGRESS_MS_MAX) throw error;
      } else if (tries >= transport.retries) throw error;
      tries += 1;
      await transport.sleep(delayMs, outgoing.signal);
    }
  }
}

async function attempt({ baseUrl, key, fetch: call }: Transport, outgoing: Outgoing): Promise<Response> {
  const { method, path, query = {}, body, idempotencyKey, signal } = outgoing;
  const words = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  const response = await orNetworkError(signal, () =>
    call(`${baseUrl}${path}${words.length === 0 ? '' : `?${words.join('&')}`}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...outgoing.headers,
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body }),
      // What makes a body that streams possible, where it is.
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  if (response.ok) return response;
  throw errorOfReply(response.status, response.headers, await orNetworkError(signal, () => response.text()));
}

/** The reply to a call that is answered in JSON. */
export function sendForJson<Reply>(transport: Transport, outgoing: Outgoing): Promise<Reply> {
  return send(transport, outgoing, async (response) => {
    const text = await orNetworkError(outgoing.signal, () => response.text());
    try {
      return JSON.parse(text) as Reply;
    } catch {
      throw errorOfReply(response.status, response.headers, text);
    }
  });
}

/** What fetch throws, as an `EarshotError`; an abort stays what it is. */
export async function orNetworkError<Value>(
  signal: AbortSignal | undefined,
  step: () => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted();
  try {
    return await step();
  } catch (error) {
    signal?.throwIfAborted();
    throw networkError(error);
  }
}

function mayRepeat(
  { method, body, idempotencyKey }: Outgoing,
  { status, code, retryAfterSeconds }: EarshotError,
): boolean {
  if (body instanceof ReadableStream) return false;
  if ((retryAfterSeconds ?? 0) > RETRY_AFTER_SECONDS_MAX) return false;
  if (status === null) return method === 'GET' || idempotencyKey !== undefined;
  return status === 429 || status === 503 || code === 'idempotency_in_progress';
}

/** Doubling, and never earlier than the server asked for; the jitter only adds. */
function delayMsBefore(tries: number, { retryAfterSeconds }: EarshotError, random: () => number): number {
  const backoffMs = Math.min(BACKOFF_MS * 2 ** tries, BACKOFF_MS_MAX);
  return Math.max(backoffMs, (retryAfterSeconds ?? 0) * 1000) * (1 + random() / 4);
}

/** Waits, or rejects with the signal's reason. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** From 0 to 1. */
export function random(): number {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value / 2 ** 32;
}

/** A key that nobody else has; `crypto.randomUUID` would need a secure context in browsers. */
export function createIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
