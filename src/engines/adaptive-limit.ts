/** How many calls an engine has in flight: fewer after it said that it is busy, and more again as it answers. */
import { EngineError } from './contract.ts';

export interface AdaptiveLimit {
  /** From 1 to the configured most. */
  readonly current: number;
  /** Makes one call and learns from its end. */
  run<T>(call: () => Promise<T>): Promise<T>;
}

/** @param onLower is told the new limit. */
export function createAdaptiveLimit(max: number, onLower: (limit: number) => void): AdaptiveLimit {
  let limit = max;
  let successes = 0;
  let round = 0;

  function lower(): void {
    successes = 0;
    round += 1;
    if (limit === 1) return;
    limit = Math.floor(limit / 2);
    onLower(limit);
  }

  /** As many successes as calls are allowed mean that a whole round went well: one more may be tried. */
  function succeed(): void {
    successes += 1;
    if (successes < limit) return;
    successes = 0;
    limit = Math.min(max, limit + 1);
  }

  return {
    get current() {
      return limit;
    },
    async run(call) {
      // What began before the last lowering says nothing about the limit that holds now: neither for it nor against it.
      const begunIn = round;
      try {
        const result = await call();
        if (begunIn === round) succeed();
        return result;
      } catch (error) {
        if (begunIn === round && error instanceof EngineError && error.fault === 'busy') lower();
        throw error;
      }
    },
  };
}
