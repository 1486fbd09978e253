import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { openStore } from '../store/store.ts';
import { openTemporaryStore } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createAccounts } from './accounts.ts';
import { createAuthenticate, type KeyRow } from './authenticate.ts';
import { createKeyCache } from './key-cache.ts';
import { createKeys } from './keys.ts';

const PEPPER = 'a pepper for tests';
const bearer = (key: string): Headers => new Headers({ authorization: `Bearer ${key}` });

/** A cache that a test controls: what it hears, and how often a key is read. */
function openCache(clock: Clock) {
  let connection: number | null = 1;
  let change = (_capGroupId: string): void => {};
  let reads = 0;
  const cache = createKeyCache<{ cap_group_id: string }>((onChange) => {
    change = onChange;
    return { connection: () => connection, [Symbol.asyncDispose]: async () => {} };
  }, clock);
  const read = async () => ({ cap_group_id: 'cap_1', read: (reads += 1) });
  return {
    change: (capGroupId: string) => change(capGroupId),
    connect: (number: number | null) => void (connection = number),
    cache,
    /** Whether the key was read anew. */
    async reads(): Promise<boolean> {
      const before = reads;
      await cache.get('key_1', read);
      return reads > before;
    },
  };
}

test('a key is kept for five seconds, until a change of it, and not while changes cannot be heard', async () => {
  let now = 0;
  const one = openCache({ now: () => now });
  assert.deepEqual([await one.reads(), await one.reads()], [true, false]);
  now += 4_999;
  assert.equal(await one.reads(), false);
  now += 1;
  assert.deepEqual([await one.reads(), await one.reads()], [true, false]);
  one.change('cap_other');
  assert.equal(await one.reads(), false);
  one.change('cap_1');
  assert.deepEqual([await one.reads(), await one.reads()], [true, false]);
  one.connect(null);
  assert.deepEqual([await one.reads(), await one.reads()], [true, true]);
  one.connect(2);
  // The first question on a new connection finds out that there may have been a gap.
  assert.deepEqual([await one.reads(), await one.reads()], [true, false]);
  one.connect(3);
  assert.equal(await one.reads(), true);
});

test('what was read while a change came in is not kept', async () => {
  const one = openCache({ now: () => 0 });
  await one.cache.get('key_1', async () => {
    one.change('cap_1');
    return { cap_group_id: 'cap_1' };
  });
  assert.equal(await one.reads(), true);
});

testOnEach('a change of a key by another process counts here', async (database) => {
  const clock = { now: () => Date.UTC(2026, 6, 1) };
  await using store = await openTemporaryStore({ database, clock });
  await using other = await openStore({ url: store.url, role: 'command', clock });
  const accountId = await createAccounts({ store, clock }).create({ name: 'Acme', discountBps: 0, tiers: [] });
  const { keyId, key } = await createKeys({ store, clock, pepper: PEPPER }).create({
    accountId,
    kind: 'wholesale',
    name: 'main',
    capNanoUsd: null,
    expiresAt: null,
    requestsPerMinute: null,
    concurrency: null,
    allowedModels: null,
    allowedAddresses: null,
    tiers: [],
  });
  const elsewhere = createKeys({ store: other, clock, pepper: PEPPER });
  await using cache = store.listen === null ? null : createKeyCache<KeyRow>(store.listen, clock);
  const defaults = { requestsPerMinute: 600, concurrency: 32 };
  const authenticate = createAuthenticate({ db: store.db, cache, clock, pepper: PEPPER, defaults });
  /** A notification may arrive a moment after the change is acknowledged: by then, or in five seconds, it has to count. */
  const until = async (met: () => Promise<boolean>): Promise<void> => {
    for (const signal = AbortSignal.timeout(10_000); !(await met()); await setImmediate()) signal.throwIfAborted();
  };
  const name = async (): Promise<string> => (await authenticate(bearer(key))).name;
  const isKept = async (): Promise<boolean> => {
    await name();
    return (await cache?.get(keyId, async () => undefined)) !== undefined;
  };
  if (cache !== null) await until(isKept);
  await elsewhere.set(keyId, { name: 'renamed' });
  await until(async () => (await name()) === 'renamed');
  if (cache !== null) {
    await until(isKept);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'earshot-listener' and pid <> pg_backend_pid()`.execute(other.db);
    await until(isKept);
  }
  await elsewhere.revoke(keyId);
  await until(async () => {
    const refusal = await authenticate(bearer(key)).then(
      () => null,
      (error: { code: string }) => error.code,
    );
    if (cache === null) assert.equal(refusal, 'invalid_api_key');
    return refusal === 'invalid_api_key';
  });
});
