/**
 * How long the dashboard's pages take with a million requests of ten thousand keys in a month, half of them of one account.
 * Rows are written in bulk by the database, as the calls themselves would have left them.
 */
import { performance } from 'node:perf_hooks';
import { sql } from 'kysely';
import { DAY_MS } from '../billing/month.ts';
import { createPriceBook } from '../billing/price-book.ts';
import { createPricing } from '../billing/terms.ts';
import { createReports, type Reports } from '../reports/reports.ts';
import { sqliteFacts } from '../store/facts.ts';
import { openStore, type Store } from '../store/store.ts';
import { DATABASES, postgresUrl, temporaryDatabase, type DatabaseName } from '../store/temporary-store.ts';
import { percentile, type Bench, type Figure } from './figure.ts';

const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 1_000_000);
const KEYS = Number(process.env['BENCH_KEYS'] ?? 10_000);
const DAYS = 30;
const ACCOUNTS = 100;
const ROUNDS = 7;

/** June 2026, seen in its last hour: the month and its thirty days are full. */
const NOW = Date.UTC(2026, 6) - 3_600_000;
const FIRST = Date.UTC(2026, 5);
const FIRST_DAY = FIRST / DAY_MS;

export const dashboardBench: Bench = {
  name: 'dashboard',
  async run() {
    await postgresUrl('--durable');
    const figures: Figure[] = [];
    for (const database of DATABASES) figures.push(...(await measure(database)));
    return figures;
  },
};

async function measure(database: DatabaseName): Promise<Figure[]> {
  await using empty = await temporaryDatabase(database);
  // The statements of a command may take as long as filling takes.
  await using store = await openStore({ url: empty.url, role: 'command', clock: { now: () => NOW } });
  await fill(store);
  const clock = { now: () => NOW };
  // Time stands still for the rows, and passes for whoever looks through them.
  const looking = { now: () => NOW + Math.floor(performance.now() - started) };
  const started = performance.now();
  const reports = createReports({
    db: store.db,
    clock: looking,
    pricing: createPricing({ db: store.db }),
    priceBook: createPriceBook({ store, clock }),
  });
  const figures: Figure[] = [];
  for (const [quantity, action] of Object.entries(pages(reports))) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now();
      await action();
      times.push(performance.now() - start);
    }
    figures.push(
      { subject: database, quantity: `${quantity}, p50`, value: percentile(times, 0.5), unit: 'ms' },
      { subject: database, quantity: `${quantity}, slowest`, value: Math.max(...times), unit: 'ms' },
    );
  }
  return figures;
}

const FIRST_PAGE = { cursor: undefined, limit: undefined };
const EVERY_KEY = { ...FIRST_PAGE, text: undefined, state: undefined, kind: undefined };
const EVERY_REQUEST = {
  ...FIRST_PAGE,
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

function pages(reports: Reports): Record<string, () => Promise<unknown>> {
  const half = `${FIRST + (DAYS * DAY_MS) / 2}.`;
  const usage = {
    firstDay: FIRST_DAY,
    endDay: FIRST_DAY + DAYS,
    today: FIRST_DAY + DAYS - 1,
    model: undefined,
    keysMax: 200,
    chartKeysMax: 8,
  };
  const all: Record<string, () => Promise<unknown>> = {};
  for (const [whose, accountId] of [['all accounts', null] as const, ['the large account', 'acc_0'] as const]) {
    const keys = { ...EVERY_KEY, accountId };
    const requests = { ...EVERY_REQUEST, accountId };
    Object.assign(all, {
      [`overview of ${whose}`]: () => reports.overview(accountId),
      [`keys of ${whose}`]: () => reports.keyPage(keys),
      [`keys of ${whose}, in the middle`]: () => reports.keyPage({ ...keys, cursor: `${KEYS / 2}.` }),
      [`keys of ${whose}, by a rare text`]: () => reports.keyPage({ ...keys, text: 'name 17' }),
      [`keys of ${whose}, by no text`]: () => reports.keyPage({ ...keys, text: 'nothing' }),
      [`usage of ${whose} by day`]: () => reports.usageChart({ ...usage, accountId, groupBy: 'day', keyId: undefined }),
      [`usage of ${whose} by key`]: () => reports.usageChart({ ...usage, accountId, groupBy: 'key', keyId: undefined }),
      [`usage of a key of ${whose}`]: () => reports.usageChart({ ...usage, accountId, groupBy: 'day', keyId: 'key_2' }),
      [`requests of ${whose}`]: () => reports.requestPage(requests),
      [`requests of ${whose}, in the middle`]: () => reports.requestPage({ ...requests, cursor: half }),
      [`requests of ${whose}, failed`]: () => reports.requestPage({ ...requests, status: 'error' }),
      [`requests of ${whose}, with warnings`]: () => reports.requestPage({ ...requests, warned: true }),
      [`requests of ${whose}, of a key`]: () => reports.requestPage({ ...requests, keyId: 'key_2' }),
      [`requests of ${whose}, of a model`]: () => reports.requestPage({ ...requests, model: 'model_1' }),
      [`requests of ${whose}, slow`]: () => reports.requestPage({ ...requests, slowMs: 100_000 }),
      [`requests of ${whose}, of no engine`]: () => reports.requestPage({ ...requests, engine: 'none' }),
      [`models of ${whose}`]: () => reports.monthByModel(accountId),
    });
  }
  return {
    ...all,
    accounts: () => reports.accountPage({ ...FIRST_PAGE, text: undefined }),
    'statement of the large account': () => reports.statementPage('acc_0', '2026-06'),
    'a request': () => reports.requestDetail(null, 'req_7'),
  };
}

/** Call `n` is one of key `n mod KEYS`; every second key is the large account's, the others are spread over the rest. */
async function fill(store: Store): Promise<void> {
  const isSqlite = store.facts === sqliteFacts;
  const numbers = (end: number) =>
    isSqlite
      ? sql`(with recursive series (n) as (select 0 union all select n + 1 from series where n < ${sql.lit(end - 1)})
          select n from series) as series`
      : sql`generate_series(0, ${sql.lit(end - 1)}) as series (n)`;
  const key = sql`((cast(n as bigint) * 7919) % ${sql.lit(KEYS)})`;
  const accountOf = (index: ReturnType<typeof sql>) =>
    sql`'acc_' || (case when ${index} % 2 = 0 then 0 else ${index} % ${sql.lit(ACCOUNTS)} end)`;
  const startedAt = sql`${sql.lit(FIRST)} + cast(n as bigint) * ${sql.lit(DAYS * DAY_MS)} / ${sql.lit(REQUESTS)}`;
  const status = sql`(case when n % 97 = 0 then 503 else 200 end)`;
  const n = sql`n`;
  for (const query of [
    sql`insert into account (account_id, name, created_at) select 'acc_' || n, 'account ' || n, n from ${numbers(ACCOUNTS)}`,
    sql`insert into account_balance (account_id, prepaid, balance_nano_usd, held_nano_usd) select account_id, 0, 0, 0 from account`,
    sql`insert into cap_group (cap_group_id, cap_nano_usd) select 'cap_' || n, 1000000000000 from ${numbers(KEYS)}`,
    sql`insert into api_key (key_id, account_id, cap_group_id, kind, name, secret_digest, last_four, created_at)
      select 'key_' || n, ${accountOf(n)}, 'cap_' || n, 'wholesale', 'name ' || n, '', 'abcd', n from ${numbers(KEYS)}`,
    sql`insert into price (model, version, valid_from, per_second_nano_usd) select 'model_' || n, 1, 0, 40000 from ${numbers(3)}`,
    sql`insert into request (request_id, account_id, key_id, model, engine, engines, status, code, started_at, duration_ms,
        input_tokens, output_tokens, estimated, list_nano_usd, cost_nano_usd, price_version, warnings)
      select 'req_' || n, ${accountOf(key)}, 'key_' || ${key}, 'model_' || (n % 3), 'embedded', '["embedded"]', ${status},
        case when n % 97 = 0 then 'overloaded' end, cast(${startedAt} as bigint), 12345, 16460, 41, 1,
        case when n % 97 = 0 then 0 else 493800 end, case when n % 97 = 0 then 0 else 493800 end, null,
        case when n % 1009 = 0 then '["audio_damaged"]' else '[]' end from ${numbers(REQUESTS)}`,
    sql`insert into request_timing (request_id, download_ms, decode_ms, detect_ms, queue_ms, engine_ms, settle_ms)
      select 'req_' || n, 20, 30, 10, n % 7, 200 + n % 900, 3 from ${numbers(REQUESTS)}`,
    sql`insert into usage_day (account_id, day, key_id, model, requests, errors, duration_ms, input_tokens, output_tokens,
        list_nano_usd, cost_nano_usd, last_at)
      select account_id, started_at / ${sql.lit(DAY_MS)}, key_id, model, count(*), count(code), sum(duration_ms),
        sum(input_tokens), sum(output_tokens), sum(list_nano_usd), sum(cost_nano_usd), max(started_at)
      from request group by 1, 2, 3, 4`,
    sql`insert into account_day (account_id, day, model, requests, errors, duration_ms, input_tokens, output_tokens,
        list_nano_usd, cost_nano_usd)
      select account_id, day, model, sum(requests), sum(errors), sum(duration_ms), sum(input_tokens), sum(output_tokens),
        sum(list_nano_usd), sum(cost_nano_usd) from usage_day group by 1, 2, 3`,
    sql`insert into key_month (account_id, month, key_id, model, requests, errors, duration_ms, input_tokens,
        output_tokens, list_nano_usd, cost_nano_usd)
      select account_id, '2026-06', key_id, model, sum(requests), sum(errors), sum(duration_ms), sum(input_tokens),
        sum(output_tokens), sum(list_nano_usd), sum(cost_nano_usd) from usage_day group by 1, 3, 4`,
    sql`insert into cap_balance (cap_group_id, month, settled_nano_usd, held_nano_usd, list_nano_usd)
      select 'cap_' || substr(key_id, 5), '2026-06', sum(cost_nano_usd), 0, sum(list_nano_usd) from usage_day group by 1`,
    sql`analyze`,
  ]) {
    await query.execute(store.db);
  }
}
