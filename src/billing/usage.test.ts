import assert from 'node:assert/strict';
import { recordUncharged } from './request-log.ts';
import { callOf, meteredAt, openTemporaryLedger, START, type TemporaryLedger } from './temporary-ledger.ts';
import type { UsageGroup } from './usage-query.ts';
import { usageReport } from './usage.ts';
import { testOnEach } from '../store/test-on-each.ts';

const DAY_MS = 86_400_000;
const ALL = { accountId: null, keyId: null, from: 0, to: START + 10 * DAY_MS };

async function answered(money: TemporaryLedger, keyId: string, startedAt: number, costNanoUsd: bigint): Promise<void> {
  await using hold = await money.ledger.hold({ ...callOf(keyId), startedAt }, costNanoUsd);
  await money.ledger.settle(hold, meteredAt(costNanoUsd));
}

testOnEach(
  'answered calls and refusals are counted by day, model and key, and the total is their sum',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const [one, two] = [await money.newKey(null), await money.newKey(null)];
    await answered(money, one.keyId, START, 3n);
    await answered(money, one.keyId, START + DAY_MS, 2n ** 53n + 1n);
    await answered(money, two.keyId, START, 0n);
    await recordUncharged(
      money.store,
      { ...callOf(two.keyId), model: null },
      { status: 429, code: 'rate_limited' },
      {},
    );
    const total = {
      requests: 4,
      errors: 1,
      seconds: 3,
      input_tokens: 4002,
      output_tokens: 12,
      list_usd: '9007199.254740996',
      cost_usd: '9007199.254740996',
    };
    for (const [groupBy, groups] of [
      [
        'day',
        [
          ['2026-07-31', 3, 1],
          ['2026-08-01', 1, 0],
        ],
      ],
      [
        'model',
        [
          ['', 1, 1],
          ['glm/glm-asr-2512', 3, 0],
        ],
      ],
      [
        'key',
        [
          [one.keyId, 2, 0],
          [two.keyId, 2, 1],
        ].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      ],
    ] as [UsageGroup, unknown[][]][]) {
      const report = await usageReport(money.db, { ...ALL, groupBy }, ALL.to);
      assert.deepEqual(
        report.data.map((row) => [row.group, row.requests, row.errors]),
        groups,
      );
      assert.deepEqual(report.total, total);
      assert.deepEqual(
        [report.from, report.to, report.group_by],
        [new Date(ALL.from).toISOString(), new Date(ALL.to).toISOString(), groupBy],
      );
    }
  },
);

testOnEach(
  'a report takes the first instant in and leaves the last one out, and sees its account and key only',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const [one, two] = [await money.newKey(null), await money.newKey(null)];
    for (const at of [START - 1, START, START + 1, START + 2]) await answered(money, one.keyId, at, 1n);
    await answered(money, two.keyId, START, 1n);
    const requests = async (query: object) =>
      (await usageReport(money.db, { ...ALL, groupBy: 'day', ...query }, ALL.to)).total.requests;
    assert.equal(await requests({ keyId: one.keyId, from: START, to: START + 2 }), 2);
    assert.equal(await requests({ keyId: two.keyId }), 1);
    assert.equal(await requests({ accountId: 'acc_1' }), 5);
    assert.equal(await requests({ accountId: 'acc_2' }), 0);
  },
);

testOnEach('nothing at all is a report of zeros', async (database) => {
  await using money = await openTemporaryLedger(database);
  const report = await usageReport(money.db, { ...ALL, groupBy: 'model' }, ALL.to);
  assert.deepEqual(report.data, []);
  assert.deepEqual(report.total, {
    requests: 0,
    errors: 0,
    seconds: 0,
    input_tokens: 0,
    output_tokens: 0,
    list_usd: '0',
    cost_usd: '0',
  });
});

testOnEach('a call has one row: a failure after its settlement does not replace the charge', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  const call = callOf(keyId);
  await using hold = await money.ledger.hold(call, 9n);
  await money.ledger.settle(hold, meteredAt(9n));
  await recordUncharged(money.store, call, { status: 500, code: 'internal_error' }, {});
  const rows = await money.db.selectFrom('request').select(['status', 'cost_nano_usd']).execute();
  assert.deepEqual(rows, [{ status: 200, cost_nano_usd: 9n }]);
});
