import type { Logger } from './log.ts';

/**
 * Runs `task` every `intervalMs` until it is disposed, never twice at a time; disposing waits for one that runs.
 * A failure is logged as `failureEvent`, and the next turn comes all the same.
 */
export function repeat(
  intervalMs: number,
  task: () => Promise<unknown>,
  log: Logger,
  failureEvent: string,
): AsyncDisposable {
  let running: Promise<unknown> = Promise.resolve();
  const turn = (): Promise<unknown> =>
    task().catch((error: unknown) => log.error({ cause: String(error) }, failureEvent));
  const timer = setInterval(() => {
    running = running.then(turn);
  }, intervalMs);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
