/** Whether somebody must log in before anything goes on. Forms stay as they are beneath the log-in. */
import { useSyncExternalStore } from 'react';

let waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

/** Resolves once somebody has logged in. */
export function askToLogIn(): Promise<void> {
  if (waiting === null) {
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => (resolve = done));
    waiting = { promise, resolve };
    changed();
  }
  return waiting.promise;
}

export function loggedIn(): void {
  waiting?.resolve();
  waiting = null;
  changed();
}

export function useMustLogIn(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting !== null,
  );
}
