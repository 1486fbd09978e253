import type { CallTimes } from '../billing/request-log.ts';
import type { Clock } from '../core/clock.ts';

type Step = keyof CallTimes;

/** Measures the steps of a call, in whole milliseconds. */
export interface Stopwatch {
  readonly times: CallTimes;
  /** Adds the time that `work` takes to the step, also where it fails. */
  of<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** So much of what was measured for one step belongs to another. */
  move(from: Step, to: Step, ms: number): void;
}

export function createStopwatch(clock: Clock): Stopwatch {
  const times: Partial<Record<Step, number>> = {};
  const add = (step: Step, ms: number): void => void (times[step] = (times[step] ?? 0) + ms);
  return {
    times,
    async of(step, work) {
      const start = clock.now();
      try {
        return await work();
      } finally {
        add(step, clock.now() - start);
      }
    },
    move(from, to, ms) {
      const whole = Math.min(Math.round(ms), times[from] ?? 0);
      add(from, -whole);
      add(to, whole);
    },
  };
}
