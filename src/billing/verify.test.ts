import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { callOf, meteredAt, openTemporaryLedger, type TemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

async function withCalls(money: TemporaryLedger): Promise<{ capGroupId: string }> {
  const key = await money.newKey(100n);
  await using settled = await money.ledger.hold(callOf(key.keyId), 10n);
  await money.ledger.settle(settled, meteredAt(7n));
  await using voided = await money.ledger.hold(callOf(key.keyId), 10n);
  await money.ledger.void(voided, 'test');
  await money.ledger.hold(callOf(key.keyId), 5n);
  return key;
}

/** Does what the database forbids, as damage from outside would. */
async function damage({ store, db }: TemporaryLedger, statement: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'trigger'`.execute(db);
  await store.transaction(async (transaction) => {
    for (const { name } of rows) await sql`drop trigger ${sql.id(name)}`.execute(transaction);
    await sql.raw(statement).execute(transaction);
  });
}

test('an undamaged ledger balances, with its rows and open holds counted', async () => {
  await using money = await openTemporaryLedger();
  await withCalls(money);
  assert.deepEqual(await verifyLedger(money.db), { balanced: true, transactions: 5, open_holds: 1, differences: [] });
});

test('a balance that is not the sum of its rows is found', async () => {
  await using money = await openTemporaryLedger();
  const { capGroupId } = await withCalls(money);
  await damage(money, 'update cap_balance set settled_nano_usd = settled_nano_usd + 1');
  const { balanced, differences } = await verifyLedger(money.db);
  assert.equal(balanced, false);
  assert.deepEqual(differences, [
    {
      check: 'the cached balance of a cap group and month is the sum of its rows',
      id: `${capGroupId} 2026-07`,
      expected: '7 settled, 5 held',
      found: '8 settled, 5 held',
    },
  ]);
});

for (const [damaged, statement] of [
  ['a balance that is missing', 'delete from cap_balance'],
  ['an open hold that is missing', 'delete from open_hold'],
  ['a settlement that was changed', "update transfer set amount_nano_usd = 6 where kind = 'settle'"],
  ['a settlement that is missing', "delete from transfer where kind = 'settle'"],
  ['a void that is missing', "delete from transfer where kind = 'void'"],
  ['a transfer paid by another account', "update transfer set debit_account = 'account:other'"],
  ['a charge whose call has no row', 'delete from request'],
  ['a call whose cost was changed', 'update request set cost_nano_usd = 6'],
] as const) {
  test(`${damaged} is found`, async () => {
    await using money = await openTemporaryLedger();
    await withCalls(money);
    await damage(money, statement);
    const { balanced, differences } = await verifyLedger(money.db);
    assert.equal(balanced, false);
    assert.ok(differences.length > 0);
  });
}
