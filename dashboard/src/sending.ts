import { useState, type FormEvent } from 'react';

/** What a form sends, once at a time. `error` is why it was refused: null while it runs, and once it went well. */
export function useSending(send: () => Promise<void>) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  async function run(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await send();
    } catch (refusal) {
      setError(refusal);
    }
    setBusy(false);
  }
  return {
    error,
    busy,
    run: () => void run(),
    onSubmit: (event: FormEvent): void => {
      event.preventDefault();
      void run();
    },
  };
}
