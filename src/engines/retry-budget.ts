/**
 * A bound on second tries over all calls: where everything fails, trying everything again would only add to the load. In
 * any minute there are at most a tenth as many as first tries, and ten in any case.
 */
import type { Clock } from '../core/clock.ts';

export interface RetryBudget {
  /** Counts a first try. */
  first(): void;
  /** Takes a second try; false where none is left in this minute. */
  take(): boolean;
}

const WINDOW_SECONDS = 60;
const SHARE = 0.1;
const FLOOR = 10;

export function createRetryBudget(clock: Clock): RetryBudget {
  /** Counts by the second, the oldest first. */
  const seconds: { readonly second: number; firsts: number; retries: number }[] = [];

  function current(): { firsts: number; retries: number } {
    const second = Math.floor(clock.now() / 1000);
    while ((seconds[0]?.second ?? Infinity) < second - WINDOW_SECONDS) seconds.shift();
    const last = seconds.at(-1);
    if (last?.second === second) return last;
    const made = { second, firsts: 0, retries: 0 };
    seconds.push(made);
    return made;
  }

  return {
    first() {
      current().firsts += 1;
    },
    take() {
      const now = current();
      const sum = (what: 'firsts' | 'retries'): number => seconds.reduce((total, counts) => total + counts[what], 0);
      if (sum('retries') >= Math.max(FLOOR, Math.floor(sum('firsts') * SHARE))) return false;
      now.retries += 1;
      return true;
    },
  };
}
