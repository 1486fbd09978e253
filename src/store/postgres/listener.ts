/** Hears what other processes tell through PostgreSQL, on a connection of its own. */
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { KEY_CHANGES } from '../facts.ts';
import type { KeyChanges } from '../store.ts';

const RECONNECT_MS = 1_000;
const CONNECT_MS_MAX = 10_000;

/** Connects at once, and again whenever the connection goes. */
export function listenForKeyChanges(url: string, onChange: (capGroupId: string) => void): KeyChanges {
  const closing = new AbortController();
  const { signal } = closing;
  let connections = 0;
  let hears = false;

  const listenOnce = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'earshot-listener',
      connectionTimeoutMillis: CONNECT_MS_MAX,
      keepAlive: true,
    });
    const end = (): void => void client.end().catch(() => {});
    // How it ends makes no difference: the next one is made all the same.
    const ended = new Promise<void>((resolve) => client.on('end', resolve).on('error', end));
    client.on('notification', ({ payload = '' }) => onChange(payload));
    try {
      await client.connect();
      await client.query(`listen ${KEY_CHANGES}`);
      connections += 1;
      hears = true;
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
      await ended;
    } finally {
      hears = false;
      signal.removeEventListener('abort', end);
      end();
    }
  };
  const listening = (async () => {
    while (!signal.aborted) {
      await listenOnce().catch(() => {});
      await setTimeout(RECONNECT_MS, null, { signal }).catch(() => {});
    }
  })();
  return {
    connection: () => (hears ? connections : null),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await listening;
    },
  };
}
