import { FetchError } from './fetch-error.ts';

/** A stretch of work that ends with the signal outside of it, at its deadline, or when it is aborted. */
export interface Span extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/** Disposing stops the timer and lets go of the signal outside; it aborts nothing. */
export function startSpan(outside: AbortSignal, stage: string, milliseconds: number): Span {
  const controller = new AbortController();
  const abort = (reason: unknown): void => controller.abort(reason);
  const passOn = (): void => abort(outside.reason);
  const timer = setTimeout(() => abort(new FetchError('timeout', `${stage}: over ${milliseconds} ms.`)), milliseconds);
  if (outside.aborted) passOn();
  else outside.addEventListener('abort', passOn, { once: true });
  return {
    signal: controller.signal,
    abort,
    [Symbol.dispose]() {
      clearTimeout(timer);
      outside.removeEventListener('abort', passOn);
    },
  };
}

/**
 * Runs one stage under its deadline and throws the reason of whatever stopped it. The work gets the signal to stop
 * itself; the caller is answered at once even where the work cannot be stopped, as a name lookup by the system.
 */
export async function within<Result>(
  outside: AbortSignal,
  stage: string,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  using span = startSpan(outside, stage, milliseconds);
  const { signal } = span;
  signal.throwIfAborted();
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(signal), stopped]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
