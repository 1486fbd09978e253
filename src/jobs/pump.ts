import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';

export interface PumpOptions<Item> {
  /** How many pieces of work go on at a time. */
  readonly places: number;
  /** How often it looks for work by itself. */
  readonly pollMs: number;
  /** Done at each poll, before work is taken; never at the same time as `take`. */
  chore(): Promise<void>;
  /** The next piece of work; null where there is none. */
  take(): Promise<Item | null>;
  /** Works on it until it ends; the signal aborts with `shutting_down`. Begins in the same turn in which it was taken. */
  work(item: Item, signal: AbortSignal): Promise<void>;
  readonly log: Logger;
  readonly failureEvent: string;
}

/** Keeps work going. Disposing it takes nothing more, aborts what goes on, and waits for its end. */
export interface Pump extends AsyncDisposable {
  /** Looks for work now. */
  wake(): void;
}

/** Work is taken whenever a piece of it ends, at each poll, and when somebody says that there is some. */
export function startPump<Item>(options: PumpOptions<Item>): Pump {
  const { places, pollMs, log, failureEvent } = options;
  const stop = new AbortController();
  const busy = new Set<Promise<void>>();
  let turns: Promise<void> = Promise.resolve();
  let isWaking = false;

  const logFailure = (error: unknown): void => log.error({ cause: String(error) }, failureEvent);

  const begin = (item: Item): void => {
    const done = options
      .work(item, stop.signal)
      .catch(logFailure)
      .finally(() => {
        busy.delete(done);
        wake();
      });
    busy.add(done);
  };

  const fill = async (): Promise<void> => {
    while (!stop.signal.aborted && busy.size < places) {
      const item = await options.take();
      if (item === null) return;
      begin(item);
    }
  };

  const turn = (action: () => Promise<void>): void => void (turns = turns.then(action).catch(logFailure));

  const wake = (): void => {
    if (isWaking) return;
    isWaking = true;
    turn(() => {
      isWaking = false;
      return fill();
    });
  };

  const poll = async (): Promise<void> => {
    if (stop.signal.aborted) return;
    await options.chore();
    await fill();
  };

  const timer = setInterval(() => turn(poll), pollMs);
  turn(poll);
  return {
    wake,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      stop.abort(new AppError('shutting_down'));
      await turns;
      await Promise.all(busy);
    },
  };
}
