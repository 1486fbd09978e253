import assert from 'node:assert/strict';
import { testOnEach } from '../store/test-on-each.ts';
import { createBalances } from './balances.ts';
import { ACCOUNT_ID, callOf, meteredAt, openTemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

testOnEach(
  'a prepaid account is held to its balance, over all its keys, and a credit counts at the next call',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const balances = createBalances(money);
    await balances.setPrepaid(ACCOUNT_ID, 10n);
    const [one, two] = [await money.newKey(null), await money.newKey(100n)];
    await using first = await money.ledger.hold(callOf(one.keyId), 6n);
    await assert.rejects(money.ledger.hold(callOf(two.keyId), 5n), {
      code: 'insufficient_balance',
      members: { balance_usd: '0.00000001' },
    });
    await money.ledger.settle(first, meteredAt(2n));
    await using second = await money.ledger.hold(callOf(two.keyId), 8n);
    await assert.rejects(money.ledger.hold(callOf(one.keyId), 1n), { code: 'insufficient_balance' });
    assert.deepEqual(await balances.credit(ACCOUNT_ID, 3n, 'invoice 7'), {
      prepaid: true,
      balanceNanoUsd: 11n,
      heldNanoUsd: 8n,
    });
    await using _third = await money.ledger.hold(callOf(one.keyId), 3n);
    await money.ledger.void(second, 'test');
    const rows = await money.db
      .selectFrom('transfer')
      .select(['kind', 'debit_account', 'credit_account', 'amount_nano_usd', 'note'])
      .where('kind', '=', 'credit')
      .orderBy('amount_nano_usd')
      .execute();
    assert.deepEqual(rows, [
      {
        kind: 'credit',
        debit_account: 'payments',
        credit_account: 'account:acc_1',
        amount_nano_usd: 3n,
        note: 'invoice 7',
      },
      {
        kind: 'credit',
        debit_account: 'payments',
        credit_account: 'account:acc_1',
        amount_nano_usd: 10n,
        note: 'The balance was set.',
      },
    ]);
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
  },
);

testOnEach('of parallel calls by many keys on a balance for exactly 13, exactly 13 are held', async (database) => {
  await using money = await openTemporaryLedger(database);
  await createBalances(money).setPrepaid(ACCOUNT_ID, 13n * 7n + 6n);
  const keys = await Promise.all(Array.from({ length: 5 }, () => money.newKey(null)));
  const tries = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => money.ledger.hold(callOf(keys[index % 5]?.keyId ?? ''), 7n)),
  );
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 13);
  assert.deepEqual((await verifyLedger(money.db)).differences, []);
});

testOnEach('a cap that is reached is named before a balance, and a refused call changes nothing', async (database) => {
  await using money = await openTemporaryLedger(database);
  await createBalances(money).setPrepaid(ACCOUNT_ID, 5n);
  const { keyId } = await money.newKey(4n);
  await assert.rejects(money.ledger.hold(callOf(keyId), 6n), { code: 'monthly_cap_reached' });
  await assert.rejects(money.ledger.hold(callOf(keyId), 5n), { code: 'monthly_cap_reached' });
  await using _fits = await money.ledger.hold(callOf(keyId), 4n);
  assert.deepEqual((await verifyLedger(money.db)).differences, []);
});

testOnEach(
  'an account that is not prepaid is not limited by its balance, and a balance can be lowered and given up',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const balances = createBalances(money);
    const { keyId } = await money.newKey(null);
    await using owed = await money.ledger.hold(callOf(keyId), 50n);
    await money.ledger.settle(owed, meteredAt(50n));
    assert.deepEqual(await balances.credit(ACCOUNT_ID, 1n, 'a gift'), {
      prepaid: false,
      balanceNanoUsd: -49n,
      heldNanoUsd: 0n,
    });
    assert.equal((await balances.setPrepaid(ACCOUNT_ID, 20n)).balanceNanoUsd, 20n);
    assert.equal((await balances.setPrepaid(ACCOUNT_ID, 5n)).balanceNanoUsd, 5n);
    await assert.rejects(money.ledger.hold(callOf(keyId), 6n), { code: 'insufficient_balance' });
    await balances.setPrepaid(ACCOUNT_ID, null);
    await using _fits = await money.ledger.hold(callOf(keyId), 6n);
    const kinds = await money.db
      .selectFrom('transfer')
      .select(['kind', 'amount_nano_usd'])
      .orderBy('amount_nano_usd')
      .execute();
    assert.deepEqual(
      kinds.map((row) => [row.kind, row.amount_nano_usd]),
      [
        ['credit', 1n],
        ['debit', 15n],
        ['settle', 50n],
        ['credit', 69n],
      ],
    );
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
    await assert.rejects(balances.credit('acc_none', 1n, ''), { code: 'not_found' });
  },
);
