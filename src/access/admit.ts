/**
 * How much a key may do at once: requests in a minute, and calls in flight. A key that has been rotated counts with its
 * successor. Counted in memory here, for one server.
 */
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import {
  firstSecond,
  rateLimitOf,
  secondOf,
  secondsUntilFree,
  type RateLimit,
  type SecondCount,
} from './sliding-minute.ts';

export type { RateLimit } from './sliding-minute.ts';

/** A place among the key's calls in flight; disposing it gives the place back. */
export type Permit = AsyncDisposable;

export interface Admission {
  /**
   * Throws `rate_limited` or `concurrency_limited`, each with the seconds to wait; a refused request is not counted.
   * @param onRateLimit told of the key's limit as it stands then, also before a refusal.
   */
  admit(caller: Caller, onRateLimit: (limit: RateLimit) => void): Promise<Permit>;
}

const CONCURRENCY_RETRY_SECONDS = 1;
const SWEEP_MS = 60_000;

interface Counts {
  /** The seconds that count, the oldest first. */
  seconds: { readonly second: number; requests: number }[];
  inFlight: number;
}

export function createAdmission({ clock }: { clock: Clock }): Admission {
  const countsByCapGroup = new Map<string, Counts>();
  let sweptAt = clock.now();

  function countsOf(capGroupId: string, now: number): Counts {
    const known = countsByCapGroup.get(capGroupId) ?? { seconds: [], inFlight: 0 };
    const first = firstSecond(now);
    known.seconds = known.seconds.filter(({ second }) => second >= first);
    return known;
  }

  /** Forgets keys that have nothing to count, so that memory is bounded by the keys of the last minutes. */
  function sweep(now: number): void {
    if (now - sweptAt < SWEEP_MS) return;
    sweptAt = now;
    for (const capGroupId of countsByCapGroup.keys()) {
      const { seconds, inFlight } = countsOf(capGroupId, now);
      if (inFlight === 0 && seconds.length === 0) countsByCapGroup.delete(capGroupId);
    }
  }

  return {
    async admit(caller, onRateLimit) {
      const now = clock.now();
      sweep(now);
      const counts = countsOf(caller.capGroupId, now);
      const before = rateLimitOf(caller, counts.seconds, now);
      if (before.remaining === 0 || counts.inFlight >= caller.concurrency) {
        onRateLimit(before);
        throw refusal(caller, counts.seconds, now);
      }
      countRequest(counts, secondOf(now));
      counts.inFlight += 1;
      countsByCapGroup.set(caller.capGroupId, counts);
      onRateLimit(rateLimitOf(caller, counts.seconds, now));
      let released = false;
      return {
        async [Symbol.asyncDispose]() {
          if (!released) counts.inFlight -= 1;
          released = true;
        },
      };
    },
  };
}

/** Why a request was not admitted, with the seconds to wait. */
export function refusal(caller: Caller, counts: readonly SecondCount[], nowMs: number): AppError {
  const waitSeconds = secondsUntilFree(caller, counts, nowMs);
  return waitSeconds > 0
    ? new AppError('rate_limited', { retryAfterSeconds: waitSeconds })
    : new AppError('concurrency_limited', { retryAfterSeconds: CONCURRENCY_RETRY_SECONDS });
}

function countRequest({ seconds }: Counts, second: number): void {
  const newest = seconds.at(-1);
  // A clock that was set back must not make the list unordered: the request then counts in the newest second.
  if (newest !== undefined && newest.second >= second) newest.requests += 1;
  else seconds.push({ second, requests: 1 });
}
