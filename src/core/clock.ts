/** Time as arguments, so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
}

/** Resolves after so many milliseconds; after an abort it rejects at once with the signal's reason. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

export const systemClock: Clock = { now: () => Date.now() };

export const systemWait: Wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
