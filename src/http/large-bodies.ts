/** Bodies with audio inside stay in memory while their call runs, so that only a few of them may be here at a time. */
import { AppError } from '../core/errors.ts';

/** One call's claim to a place; disposing it gives the place back. */
export interface Room extends Disposable {
  /** Waits for a place, once. Throws `overloaded` when none comes free in time, or the signal's reason. */
  take(): Promise<void>;
}

export interface LargeBodies {
  room(signal: AbortSignal): Room;
}

export function createLargeBodies({ places, waitMsMax }: { places: number; waitMsMax: number }): LargeBodies {
  const waiting = new Set<() => void>();
  let free = places;

  const release = (): void => {
    free += 1;
    const [next] = waiting;
    next?.();
  };

  const waitForPlace = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        waiting.delete(enter);
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        act();
      };
      const enter = (): void => {
        free -= 1;
        settle(resolve);
      };
      const leave = (): void => settle(() => reject(signal.reason));
      const timer = setTimeout(() => settle(() => reject(new AppError('overloaded'))), waitMsMax);
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(enter);
      if (signal.aborted) leave();
      else if (free > 0) enter();
    });

  return {
    room(signal) {
      let taken = false;
      return {
        async take() {
          await waitForPlace(signal);
          taken = true;
        },
        [Symbol.dispose]() {
          if (taken) release();
          taken = false;
        },
      };
    },
  };
}
