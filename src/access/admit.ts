/**
 * How much a key may do at once: requests in a minute, and calls in flight. Counted in memory, for one server process.
 * A key's minute begins with its first request; after it, a new one begins with the next request.
 */
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';

/** What the `x-ratelimit-*` headers say. */
export interface RateLimit {
  /** Requests in a minute. */
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until all of them are there again. */
  readonly resetSeconds: number;
}

/** A place among the key's calls in flight; disposing it gives the place back. */
export interface Permit extends RateLimit, Disposable {}

/** Throws `rate_limited` or `concurrency_limited`, each with the seconds to wait. A refused request is not counted. */
export type Admit = (caller: Caller) => Permit;

export interface Admission {
  readonly admit: Admit;
  /** The key's limit as it stands, for replies to calls that were refused. */
  readonly rateLimit: (caller: Caller) => RateLimit;
}

interface Counts {
  minuteStart: number;
  requests: number;
  inFlight: number;
}

const MINUTE_MS = 60_000;
const CONCURRENCY_RETRY_SECONDS = 1;

export function createAdmission({ clock }: { clock: Clock }): Admission {
  const countsByKey = new Map<string, Counts>();
  let sweptAt = clock.now();

  function countsOf(keyId: string, now: number): Counts {
    const known = countsByKey.get(keyId);
    if (known === undefined) return { minuteStart: now, requests: 0, inFlight: 0 };
    if (now - known.minuteStart >= MINUTE_MS) Object.assign(known, { minuteStart: now, requests: 0 });
    return known;
  }

  /** Forgets keys that have nothing to count, so that memory is bounded by the keys of the last two minutes. */
  function sweep(now: number): void {
    if (now - sweptAt < MINUTE_MS) return;
    sweptAt = now;
    for (const [keyId, counts] of countsByKey) {
      if (counts.inFlight === 0 && now - counts.minuteStart >= MINUTE_MS) countsByKey.delete(keyId);
    }
  }

  return {
    admit(caller) {
      const now = clock.now();
      sweep(now);
      const counts = countsOf(caller.keyId, now);
      const before = rateLimit(caller, counts, now);
      if (before.remaining === 0) throw new AppError('rate_limited', { retryAfterSeconds: before.resetSeconds });
      if (counts.inFlight >= caller.concurrency) {
        throw new AppError('concurrency_limited', { retryAfterSeconds: CONCURRENCY_RETRY_SECONDS });
      }
      counts.requests += 1;
      counts.inFlight += 1;
      countsByKey.set(caller.keyId, counts);
      let released = false;
      return {
        ...rateLimit(caller, counts, now),
        [Symbol.dispose]() {
          if (!released) counts.inFlight -= 1;
          released = true;
        },
      };
    },
    rateLimit(caller) {
      const now = clock.now();
      return rateLimit(caller, countsOf(caller.keyId, now), now);
    },
  };
}

function rateLimit(caller: Caller, counts: Counts, now: number): RateLimit {
  return {
    limit: caller.requestsPerMinute,
    remaining: Math.max(0, caller.requestsPerMinute - counts.requests),
    resetSeconds: counts.requests === 0 ? 0 : Math.ceil((counts.minuteStart + MINUTE_MS - now) / 1000),
  };
}
