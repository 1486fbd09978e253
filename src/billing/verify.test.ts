import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { callOf, meteredAt, openTemporaryLedger, type TemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';
import { dropTriggers } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';

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
  await dropTriggers(store);
  await sql.raw(statement).execute(db);
}

testOnEach('an undamaged ledger balances, with its rows and open holds counted', async (database) => {
  await using money = await openTemporaryLedger(database);
  await withCalls(money);
  assert.deepEqual(await verifyLedger(money.db), { balanced: true, transactions: 5, open_holds: 1, differences: [] });
});

testOnEach('a balance that is not the sum of its rows is found', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { capGroupId } = await withCalls(money);
  await damage(money, 'update cap_balance set settled_nano_usd = settled_nano_usd + 1');
  const { balanced, differences } = await verifyLedger(money.db);
  assert.equal(balanced, false);
  assert.deepEqual(differences, [
    {
      check: 'the cached balance of a cap group and month is the sum of its rows',
      id: `${capGroupId} 2026-07`,
      expected: '7 settled, 5 held, 7 list',
      found: '8 settled, 5 held, 7 list',
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
  ['an account’s balance that was changed', 'update account_balance set balance_nano_usd = 0'],
  ['what an account has held, changed', 'update account_balance set held_nano_usd = 0'],
  ['an account’s balance that is missing', 'delete from account_balance'],
  ['a list spend that was changed', 'update account_day set list_nano_usd = list_nano_usd + 1'],
  ['a list spend that is missing', 'delete from account_day'],
  ['a key’s list spend that was changed', 'update cap_balance set list_nano_usd = 0'],
  ['a day’s total that was changed', 'update usage_day set requests = requests + 1'],
  ['a day’s total that is missing', 'delete from usage_day'],
  [
    'a credit that no balance knows of',
    "insert into transfer (transfer_id, kind, debit_account, credit_account, amount_nano_usd, created_at) values ('t', 'credit', 'payments', 'account:acc_1', 1, 0)",
  ],
] as const) {
  testOnEach(`${damaged} is found`, async (database) => {
    await using money = await openTemporaryLedger(database);
    await withCalls(money);
    await damage(money, statement);
    const { balanced, differences } = await verifyLedger(money.db);
    assert.equal(balanced, false);
    assert.ok(differences.length > 0);
  });
}
