import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { testOnEach } from '../store/test-on-each.ts';
import { newId } from '../core/ids.ts';
import { formatUsd } from '../core/money.ts';
import { recordUncharged } from './request-log.ts';
import { statementCsv } from './statement-csv.ts';
import { statement } from './statement.ts';
import { ACCOUNT_ID, callOf, meteredAt, MODEL, openTemporaryLedger, START } from './temporary-ledger.ts';
import { usageReport } from './usage.ts';

const DAY_MS = 86_400_000;

testOnEach(
  'a month’s statement adds up to the account’s settlements of the month, to the nano-dollar',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const keys = [await money.newKey(null), await money.newKey(null)];
    for (let index = 0; index < 12; index += 1) {
      const keyId = keys[index % 2]?.keyId ?? '';
      const call = callOf(keyId, newId('req'), START + (index % 3) * (DAY_MS / 4));
      await using hold = await money.ledger.hold(call, 10n ** 15n);
      const metered = meteredAt(1_000_000_007n * BigInt(index));
      await money.ledger.settle(hold, { ...metered, terms: { ...metered.terms, discountBps: 333 * index } });
    }
    await recordUncharged(
      money.store,
      { ...callOf(keys[0]?.keyId ?? ''), model: null },
      { status: 429, code: 'rate_limited' },
      {},
    );
    for (const [month, requests] of [
      ['2026-07', 9],
      ['2026-08', 4],
      ['2026-09', 0],
    ] as const) {
      const found = await statement(money.db, ACCOUNT_ID, month);
      const settled = await sql<{ amount_nano_usd: bigint | null }>`
      select sum(transfer.amount_nano_usd) as amount_nano_usd
      from transfer join hold on hold.hold_id = transfer.hold_id
      where kind = 'settle' and hold.month = ${month}`.execute(money.db);
      assert.equal(found.total.cost_usd, formatUsd(settled.rows[0]?.amount_nano_usd ?? 0n));
      assert.equal(found.total.requests, requests);
      assert.equal(
        found.lines.reduce((sum, line) => sum + line.requests, 0),
        requests,
      );
    }
    const { lines } = await statement(money.db, ACCOUNT_ID, '2026-07');
    assert.deepEqual(
      lines.map(({ model, requests, seconds }) => [model, requests, seconds]),
      [
        ['', 1, 0],
        [MODEL, 4, 4],
        [MODEL, 4, 4],
      ],
    );
    const csv = statementCsv(await statement(money.db, ACCOUNT_ID, '2026-07')).split('\r\n');
    assert.deepEqual([csv.length, csv[0]?.split(',').length, csv[1]?.split(',').length], [5, 10, 10]);
    await assert.rejects(statement(money.db, 'acc_none', '2026-07'), { code: 'not_found' });
  },
);

testOnEach(
  'a year of usage is answered from the totals of its days, and its edges from the calls',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const { keyId } = await money.newKey(null);
    for (let hour = 0; hour < 60; hour += 6) {
      await recordUncharged(
        money.store,
        callOf(keyId, newId('req'), START + hour * 3_600_000),
        { status: 200, code: null },
        {},
      );
    }
    const all = START + 1_000 * DAY_MS;
    const count = async (from: number, to: number, now = all): Promise<number> =>
      (await usageReport(money.db, { accountId: null, keyId, from, to, groupBy: 'model' }, now)).total.requests;
    for (let from = 0; from <= 60; from += 5) {
      for (let to = from + 1; to <= 66; to += 7) {
        const expected = Array.from({ length: 10 }, (_, index) => index * 6).filter(
          (hour) => hour >= from && hour < to,
        );
        assert.equal(
          await count(START + from * 3_600_000, START + to * 3_600_000),
          expected.length,
          `${from} to ${to}`,
        );
      }
    }
    // The totals alone, with no calls to read, show that the whole days and today come from them.
    await money.db
      .insertInto('usage_day')
      .values({
        account_id: ACCOUNT_ID,
        day: Math.floor(START / DAY_MS) - 5,
        key_id: keyId,
        model: '',
        requests: 1_000,
        errors: 0,
        duration_ms: 0,
        input_tokens: 0,
        output_tokens: 0,
        list_nano_usd: 0n,
        cost_nano_usd: 0n,
      })
      .execute();
    assert.equal(await count(START - 300 * DAY_MS, START + 50 * 3_600_000 + 1, START + 50 * 3_600_000), 1_010);
  },
);
