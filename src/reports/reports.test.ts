import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { DAY_MS } from '../billing/month.ts';
import { createPriceBook } from '../billing/price-book.ts';
import { createPricing } from '../billing/terms.ts';
import {
  ACCOUNT_ID,
  callOf,
  insertKey,
  meteredAt,
  MODEL,
  openTemporaryLedger,
  START,
  type TemporaryLedger,
} from '../billing/temporary-ledger.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createReports } from './reports.ts';
import { requestPage, type RequestsQuery } from './request-rows.ts';

function reportsOf({ db, clock, store }: TemporaryLedger) {
  const priceBook = createPriceBook({ store, clock });
  return createReports({ db, clock, pricing: createPricing({ db }), priceBook });
}

async function answered(money: TemporaryLedger, keyId: string, startedAt: number, costNanoUsd: bigint): Promise<void> {
  await using hold = await money.ledger.hold({ ...callOf(keyId), startedAt }, costNanoUsd);
  await money.ledger.settle(hold, meteredAt(costNanoUsd));
}

const EVERY: RequestsQuery = {
  cursor: undefined,
  limit: undefined,
  accountId: null,
  from: null,
  to: null,
  status: undefined,
  keyId: undefined,
  model: undefined,
  engine: undefined,
  code: undefined,
  slowMs: undefined,
  warned: false,
};

interface Made {
  readonly request_id: string;
  readonly account_id: string;
  readonly key_id: string;
  readonly model: string;
  readonly engine: string;
  readonly status: number;
  readonly code: string | null;
  readonly started_at: number;
  readonly warnings: string;
  readonly engine_ms: number;
}

/** Calls of two accounts and four keys over ten days, several of them in one millisecond. */
async function fill(money: TemporaryLedger): Promise<Made[]> {
  const { db } = money;
  await db.insertInto('account').values({ account_id: 'acc_2', name: 'Other', created_at: START }).execute();
  const keys = [
    { account: ACCOUNT_ID, ...(await money.newKey(null)) },
    { account: ACCOUNT_ID, ...(await money.newKey(null)) },
    { account: 'acc_2', ...(await insertKey(money.store, START, null, null, 'acc_2')) },
    { account: 'acc_2', ...(await insertKey(money.store, START, null, null, 'acc_2')) },
  ];
  const made = Array.from({ length: 400 }, (_, index): Made => {
    // Some keys are used on a few days only.
    const key = keys[index % 50 === 0 ? 1 : index % 3 === 0 ? 2 : index % 77 === 0 ? 3 : 0];
    const failed = index % 9 === 0;
    return {
      request_id: `req_${String((index * 7) % 400).padStart(4, '0')}`,
      account_id: key?.account ?? '',
      key_id: key?.keyId ?? '',
      model: index % 5 === 0 ? 'moonshine/tiny' : MODEL,
      engine: index % 4 === 0 ? 'zai' : 'embedded',
      status: failed ? (index % 2 === 0 ? 503 : 404) : 200,
      code: failed ? (index % 2 === 0 ? 'overloaded' : 'audio_too_long') : null,
      started_at: START - 10 * DAY_MS + Math.floor(index / 4) * 9_000_000,
      warnings: index % 31 === 0 ? '["audio_damaged"]' : '[]',
      engine_ms: (index * 37) % 500,
    };
  });
  for (const { engine_ms: ms, ...row } of made) {
    await db
      .insertInto('request')
      .values({ ...NOTHING, ...row })
      .execute();
    const timing = { download_ms: 5, decode_ms: 2, detect_ms: 1, queue_ms: null, engine_ms: ms, settle_ms: 1 };
    await db
      .insertInto('request_timing')
      .values({ request_id: row.request_id, ...timing })
      .execute();
  }
  await sql`insert into usage_day (account_id, day, key_id, model, requests, errors, duration_ms, input_tokens,
      output_tokens, list_nano_usd, cost_nano_usd, last_at)
    select account_id, started_at / 86400000, key_id, model, count(*), count(code), 0, 0, 0, 0, 0, max(started_at)
    from request group by 1, 2, 3, 4`.execute(db);
  await sql`insert into account_day (account_id, day, model, requests, errors, duration_ms, input_tokens, output_tokens,
      list_nano_usd, cost_nano_usd)
    select account_id, day, model, cast(sum(requests) as bigint), cast(sum(errors) as bigint), 0, 0, 0, 0, 0
    from usage_day group by 1, 2, 3`.execute(db);
  return made;
}

const NOTHING = {
  engines: '[]',
  client_request_id: null,
  user_id: null,
  duration_ms: 0,
  input_tokens: 0,
  output_tokens: 0,
  estimated: 0,
  list_nano_usd: 0n,
  cost_nano_usd: 0n,
  price_version: null,
};

testOnEach('whatever is asked for, the pages of the log hold it once, the newest first', async (database) => {
  await using money = await openTemporaryLedger(database);
  const made = await fill(money);
  const rare = made.find((row) => row.account_id === ACCOUNT_ID && row.started_at > START - 9 * DAY_MS)?.key_id ?? '';
  const filters: readonly (readonly [Partial<RequestsQuery>, (row: Made) => boolean])[] = [
    [{}, () => true],
    [{ accountId: 'acc_2' }, (row) => row.account_id === 'acc_2'],
    [{ status: 'error' }, (row) => row.status >= 400],
    [{ status: 'ok' }, (row) => row.status < 400],
    [{ keyId: rare }, (row) => row.key_id === rare],
    [{ accountId: 'acc_2', keyId: rare }, () => false],
    [{ model: 'moonshine/tiny' }, (row) => row.model === 'moonshine/tiny'],
    [{ engine: 'zai', accountId: ACCOUNT_ID }, (row) => row.engine === 'zai' && row.account_id === ACCOUNT_ID],
    [{ code: 'audio_too_long' }, (row) => row.code === 'audio_too_long'],
    [{ slowMs: 300 }, (row) => row.engine_ms + 6 > 300],
    [{ warned: true }, (row) => row.warnings !== '[]'],
    [{ warned: true, status: 'error' }, (row) => row.warnings !== '[]' && row.status >= 400],
    [
      { from: START - 5 * DAY_MS, to: START - 3 * DAY_MS, model: MODEL },
      (row) => row.started_at >= START - 5 * DAY_MS && row.started_at < START - 3 * DAY_MS && row.model === MODEL,
    ],
  ];
  for (const [filter, passes] of filters) {
    const expected = made
      .filter(passes)
      .toSorted((one, other) => other.started_at - one.started_at || (one.request_id < other.request_id ? 1 : -1));
    assert.deepEqual(
      await allPages(money, { ...EVERY, ...filter, limit: 7 }),
      expected.map(({ request_id: id }) => id),
      JSON.stringify(filter),
    );
  }
});

/** With a clock by which every look into the log takes longer than a page may. */
async function allPages({ db }: TemporaryLedger, query: RequestsQuery): Promise<string[]> {
  let now = START;
  const clock = { now: () => (now += 1_000) };
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await requestPage(db, { ...query, cursor }, clock);
    assert.ok(page.data.length <= 7);
    ids.push(...page.data.map(({ request_id: id }) => id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

testOnEach('overview, chart, key and statement add up to what was charged', async (database) => {
  await using money = await openTemporaryLedger(database);
  const reports = reportsOf(money);
  const [one, two] = [await money.newKey(10_000n), await money.newKey(5_000n)];
  assert.equal((await reports.overview(null)).forecast_usd, null);
  await answered(money, one.keyId, START - DAY_MS, 100n);
  await answered(money, one.keyId, START, 300n);
  await answered(money, two.keyId, START, 2n);
  const overview = await reports.overview(ACCOUNT_ID);
  assert.equal(overview.spent_usd, '0.000000402');
  assert.equal(overview.cap_usd, '0.000015');
  assert.equal(overview.live_keys, 2);
  assert.deepEqual(
    new Set(overview.cost_by_key.map(({ day, group, cost_usd: cost }) => `${day} ${group} ${cost}`)),
    new Set([
      `2026-07-30 ${one.keyId} 0.0000001`,
      `2026-07-31 ${one.keyId} 0.0000003`,
      `2026-07-31 ${two.keyId} 0.000000002`,
    ]),
  );
  // Twelve hours of July are left, after one and a half days with calls.
  assert.equal(overview.forecast_usd, '0.000000536');
  const key = await reports.findKey(ACCOUNT_ID, one.keyId);
  assert.equal(key.spent_usd, '0.0000004');
  assert.equal(key.remaining_usd, '0.0000096');
  assert.equal(key.last_used_at, new Date(START).toISOString());
  const chart = await reports.usageChart({
    accountId: ACCOUNT_ID,
    firstDay: Math.floor(START / DAY_MS) - 5,
    endDay: Math.floor(START / DAY_MS) + 1,
    today: Math.floor(START / DAY_MS),
    groupBy: 'key',
    model: undefined,
    keyId: undefined,
    keysMax: 1,
    chartKeysMax: 1,
  });
  assert.deepEqual(
    chart.data.map(({ group, cost_usd: cost }) => [group, cost]),
    [
      [one.keyId, '0.0000004'],
      ['other', '0.000000002'],
    ],
  );
  assert.deepEqual(
    chart.days.map(({ day, group, cost_usd: cost }) => [day, group, cost]),
    [
      ['2026-07-30', one.keyId, '0.0000001'],
      ['2026-07-31', one.keyId, '0.0000003'],
      ['2026-07-31', 'other', '0.000000002'],
    ],
  );
  assert.equal(chart.total.cost_usd, '0.000000402');
  const month = await reports.usageChart({ ...CHART, firstDay: FIRST_OF_JULY, endDay: FIRST_OF_JULY + 31 });
  assert.deepEqual(
    { ...month, from: chart.from },
    {
      ...(await reports.usageChart({ ...CHART, firstDay: FIRST_OF_JULY - 1, endDay: FIRST_OF_JULY + 31 })),
      from: chart.from,
    },
    'the totals of months and those of days say the same',
  );
  const statement = await reports.statementPage(ACCOUNT_ID, '2026-07');
  assert.deepEqual(statement.months, [{ month: '2026-07', cost_usd: '0.000000402' }]);
  await assert.rejects(reports.findKey('acc_2', one.keyId), { code: 'not_found' });
});

const FIRST_OF_JULY = Date.UTC(2026, 6) / DAY_MS;
const CHART = {
  accountId: ACCOUNT_ID,
  today: Math.floor(START / DAY_MS),
  groupBy: 'key',
  model: undefined,
  keyId: undefined,
  keysMax: 10,
  chartKeysMax: 8,
} as const;

testOnEach('a preview charges last month anew, and its tiers count what was spent before', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(null);
  await answered(money, key.keyId, START - 2 * DAY_MS, 1_000n);
  await answered(money, key.keyId, START, 1_000n);
  money.pass(2 * DAY_MS);
  const reports = reportsOf(money);
  const contract = { discountBps: 0, tiers: [{ aboveNanoUsd: 1_500n, discountBps: 5_000 }] };
  const preview = await reports.changePreview({ kind: 'contract', accountId: ACCOUNT_ID, contract });
  assert.deepEqual(
    { month: preview.month, before: preview.cost_usd_before, after: preview.cost_usd_after },
    { month: '2026-07', before: '0.000002', after: '0.00000175' },
  );
  // Each call of the test has one second of audio.
  const listPrice = { per: 'second', perSecondNanoUsd: 3_000n } as const;
  const dearer = await reports.changePreview({ kind: 'price', model: MODEL, listPrice });
  assert.deepEqual([dearer.requests, dearer.list_usd_after, dearer.cost_usd_after], [2, '0.000006', '0.000006']);
  assert.deepEqual(await reports.changePreview({ kind: 'price', model: 'other', listPrice }), {
    ...NO_PREVIEW,
    month: '2026-07',
  });
});

const NO_PREVIEW = {
  requests: 0,
  list_usd_before: '0',
  list_usd_after: '0',
  cost_usd_before: '0',
  cost_usd_after: '0',
  accounts: [],
};

testOnEach('a contract that begins later changes no price until then', async (database) => {
  await using money = await openTemporaryLedger(database);
  const reports = reportsOf(money);
  const model = { id: MODEL, audioTokensPerMinute: 80_000 };
  const price = async () => (await reports.modelPrice(ACCOUNT_ID, model)).price;
  const agree = (version: number, validFrom: number, discountBps: number, tiers: string) =>
    money.db
      .insertInto('contract')
      .values({ account_id: ACCOUNT_ID, version, valid_from: validFrom, discount_bps: discountBps, tiers })
      .execute();
  await agree(1, START + DAY_MS, 500, '1000:2000');
  assert.equal((await price())?.discount_bps, 0);
  assert.equal((await reports.findAccount(ACCOUNT_ID)).contract, null);
  money.pass(DAY_MS);
  const later = await price();
  assert.equal(later?.discount_bps, 500);
  assert.deepEqual(later?.next_tier, { above_usd: '1000', discount_bps: 2000 });
  assert.deepEqual(later?.yours, { input_usd_per_1m: '0.0285', output_usd_per_1m: '0.0285' });
  assert.equal((await reports.findAccount(ACCOUNT_ID)).contract?.discount_bps, 500);
});
