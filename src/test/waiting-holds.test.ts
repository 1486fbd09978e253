/** What PostgreSQL alone can do: let a hold wait for a row while its key is changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createKeys } from '../access/keys.ts';
import { ACCOUNT_ID, callOf, openTemporaryLedger, type TemporaryLedger } from '../billing/temporary-ledger.ts';
import { lockAccount } from '../store/lock-account.ts';
import type { Db } from '../store/store.ts';

const LOOKS_MAX = 5_000;

/** Resolves once so many statements wait for the transaction, or for one that waits for it. */
async function untilWaitingFor(transaction: Db, { db }: TemporaryLedger, count: number): Promise<void> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
  const holder = rows[0]?.pid ?? 0;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const found = await sql<{ waiting: number }>`
      with recursive waiting (pid) as (
        select cast(${holder} as integer)
        union select activity.pid from pg_stat_activity as activity join waiting
          on waiting.pid = any (pg_blocking_pids(activity.pid))
      ) select count(*) - 1 as waiting from waiting`.execute(db);
    if ((found.rows[0]?.waiting ?? 0) >= count) return;
  }
  throw new Error('What should wait does not.');
}

async function openBoth() {
  const money = await openTemporaryLedger('postgres');
  const keys = createKeys({ store: money.store, clock: money.clock, pepper: '' });
  const { keyId } = await money.newKey(100n);
  // The rows that the holds below wait for are there from now on.
  await (await money.ledger.hold(callOf(keyId), 10n))[Symbol.asyncDispose]();
  return { money, keys, keyId, [Symbol.asyncDispose]: () => money[Symbol.asyncDispose]() };
}

const CHANGES = [
  {
    event: 'its key is revoked',
    code: 'invalid_api_key',
    change: (db: Db, keyId: string) => sql`update api_key set revoked_at = 1 where key_id = ${keyId}`.execute(db),
  },
  {
    event: 'the cap of its key is lowered',
    code: 'monthly_cap_reached',
    change: (db: Db, keyId: string) =>
      sql`update cap_group set cap_nano_usd = 9
        where cap_group_id = (select cap_group_id from api_key where key_id = ${keyId})`.execute(db),
  },
];

for (const { event, code, change } of CHANGES) {
  test(`a hold that waits while ${event} is refused`, async () => {
    await using both = await openBoth();
    const { money, keyId } = both;
    const hold = await money.store.transaction(async (transaction) => {
      await lockAccount(transaction, ACCOUNT_ID);
      const waits = money.ledger.hold(callOf(keyId), 10n).then(() => null, String);
      await untilWaitingFor(transaction, money, 1);
      await change(transaction, keyId);
      return { waits };
    });
    const refusal = await hold.waits;
    assert.ok(refusal !== null, 'the hold was made');
    await assert.rejects(money.ledger.hold(callOf(keyId), 10n), { code });
  });
}

test('a change of a key is acknowledged only after the holds that began before it', async () => {
  await using both = await openBoth();
  const { money, keys, keyId } = both;
  for (const change of [() => keys.set(keyId, { capNanoUsd: 15n }), () => keys.revoke(keyId)]) {
    const ends = await money.store.transaction(async (transaction) => {
      // The hold has passed the account's lock by then, and has looked at its key.
      await sql`update cap_balance set held_nano_usd = held_nano_usd`.execute(transaction);
      const hold = money.ledger.hold(callOf(keyId), 10n);
      await untilWaitingFor(transaction, money, 1);
      // The database is asked: which of the two answers is read first is up to their connections.
      const heldAtChange = change().then(() => money.db.selectFrom('cap_balance').select('held_nano_usd').execute());
      await untilWaitingFor(transaction, money, 2);
      return { hold, heldAtChange };
    });
    assert.deepEqual(await ends.heldAtChange, [{ held_nano_usd: 10n }]);
    await (await ends.hold)[Symbol.asyncDispose]();
    await assert.rejects(money.ledger.hold(callOf(keyId), 16n));
  }
});
