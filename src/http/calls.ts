/**
 * The calls in flight. Each has one signal that everything it does listens to: the caller's disconnect, the time limit
 * of the whole call, and the end of the server are the same abort.
 */
import { AppError, CallerGone } from '../core/errors.ts';

export interface CallInFlight extends Disposable {
  readonly signal: AbortSignal;
}

export interface Calls {
  /** Starts a call; throws `shutting_down` once draining has begun. */
  begin(disconnected: AbortSignal, msMax: number): CallInFlight;
  readonly count: number;
  readonly draining: boolean;
  /** Takes no new calls, gives those in flight `msMax` to finish, then aborts them and waits until they have stopped. */
  drain(msMax: number): Promise<void>;
  /** Aborts every call in flight now. */
  abortAll(): void;
}

export function createCalls(): Calls {
  const inFlight = new Set<AbortController>();
  let draining = false;
  let whenEmpty = (): void => {};

  return {
    get count() {
      return inFlight.size;
    },
    get draining() {
      return draining;
    },
    begin(disconnected, msMax) {
      if (draining) throw new AppError('shutting_down');
      const controller = new AbortController();
      const leave = (): void => controller.abort(new CallerGone());
      const timer = setTimeout(
        () => controller.abort(new AppError('engine_timeout', { detail: 'time limit of the call' })),
        msMax,
      );
      if (disconnected.aborted) leave();
      disconnected.addEventListener('abort', leave, { once: true });
      inFlight.add(controller);
      return {
        signal: controller.signal,
        [Symbol.dispose]() {
          clearTimeout(timer);
          disconnected.removeEventListener('abort', leave);
          inFlight.delete(controller);
          if (inFlight.size === 0) whenEmpty();
        },
      };
    },
    async drain(msMax) {
      draining = true;
      if (inFlight.size === 0) return;
      const empty = new Promise<void>((resolve) => {
        whenEmpty = resolve;
      });
      const timer = setTimeout(() => this.abortAll(), msMax);
      await empty;
      clearTimeout(timer);
    },
    abortAll() {
      for (const controller of inFlight) controller.abort(new AppError('shutting_down'));
    },
  };
}
