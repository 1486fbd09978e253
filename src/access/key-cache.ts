/**
 * Keys that were read a moment ago. An entry goes as soon as any process changes the key, and after five seconds in any
 * case; while changes cannot be heard of, nothing is kept. A revoked key that slips through starts no hold all the same.
 */
import type { Clock } from '../core/clock.ts';
import type { KeyChanges } from '../store/store.ts';

export interface KeyCache<Row> {
  /** The row as it is kept, or as `read` finds it now. */
  get(keyId: string, read: () => Promise<Row | undefined>): Promise<Row | undefined>;
}

export interface CachedRow {
  readonly cap_group_id: string;
}

const KEPT_MS = 5_000;
const ENTRIES_MAX = 10_000;

export function createKeyCache<Row extends CachedRow>(
  listen: (onChange: (capGroupId: string) => void) => KeyChanges,
  clock: Clock,
): KeyCache<Row> & AsyncDisposable {
  const entries = new Map<string, { readonly row: Row; readonly until: number }>();
  let changes = 0;
  const heard = listen((capGroupId) => {
    changes += 1;
    for (const [keyId, { row }] of entries) if (row.cap_group_id === capGroupId) entries.delete(keyId);
  });
  let heardOn = heard.connection();
  /** Whether every change since the last question has been heard of. */
  const heardAll = (): boolean => {
    const connection = heard.connection();
    const same = connection !== null && connection === heardOn;
    if (!same) entries.clear();
    heardOn = connection;
    return same;
  };
  return {
    async get(keyId, read) {
      heardAll();
      const now = clock.now();
      const known = entries.get(keyId);
      if (known !== undefined && known.until > now) return known.row;
      const changesBefore = changes;
      const row = await read();
      // What was read may be older than a change that was heard of meanwhile.
      if (!heardAll() || changes !== changesBefore || row === undefined) return row;
      if (entries.size >= ENTRIES_MAX) entries.clear();
      entries.set(keyId, { row, until: now + KEPT_MS });
      return row;
    },
    [Symbol.asyncDispose]: () => heard[Symbol.asyncDispose](),
  };
}
