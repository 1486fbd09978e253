/**
 * A year of ten million requests, and how long its totals take. Requests and totals are written in bulk by the database, one
 * row for each call and one for each day, key and model, as the calls themselves would have left them.
 */
import { performance } from 'node:perf_hooks';
import { sql } from 'kysely';
import { DAY_MS } from '../billing/month.ts';
import { statement } from '../billing/statement.ts';
import { USAGE_GROUPS } from '../billing/usage-query.ts';
import { usageReport } from '../billing/usage.ts';
import { sqliteFacts } from '../store/facts.ts';
import { openStore, type Store } from '../store/store.ts';
import { DATABASES, postgresUrl, temporaryDatabase, type DatabaseName } from '../store/temporary-store.ts';
import { percentile, type Bench, type Figure } from './figure.ts';

const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 10_000_000);
const DAYS = 365;
const ACCOUNTS = 10;
const KEYS = 100;
const MODELS = 3;
const FIRST_DAY = 20_454;
const ROUNDS = 9;

export const usageBench: Bench = {
  name: 'usage',
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
  await using store = await openStore({ url: empty.url, role: 'command', clock: { now: () => yearEnd } });
  const start = performance.now();
  await fill(store);
  const figures: Figure[] = [
    {
      subject: database,
      quantity: `${REQUESTS} requests filled in`,
      value: (performance.now() - start) / 1000,
      unit: 's',
    },
  ];
  const { db } = store;
  // Both ends cut a day, so that calls are read there.
  const cut = { from: FIRST_DAY * DAY_MS + DAY_MS / 3, to: yearEnd - DAY_MS / 3 };
  const subjects = {
    'all accounts': { accountId: null, keyId: null },
    'an account': { accountId: 'acc_1', keyId: null },
    'a key': { accountId: 'acc_1', keyId: 'key_1' },
  };
  for (const [whose, query] of Object.entries(subjects)) {
    for (const groupBy of USAGE_GROUPS) {
      const times = await timed(() => usageReport(db, { ...query, ...cut, groupBy }, yearEnd));
      figures.push(...toFigures(database, `year of ${whose} by ${groupBy}`, times));
    }
  }
  const times = await timed(() => statement(db, 'acc_1', '2026-07'));
  figures.push(...toFigures(database, 'statement of a month', times));
  return figures;
}

const yearEnd = (FIRST_DAY + DAYS) * DAY_MS;

/** Call `n` belongs to key `n mod KEYS`; the calls of a key are spread evenly over the year and over the models. */
async function fill(store: Store): Promise<void> {
  const { db } = store;
  const series = (end: number) =>
    sql`(with recursive series (n) as (select 0 union all select n + 1 from series where n < ${sql.lit(end - 1)})
      select n from series) as series`;
  const isSqlite = store.facts === sqliteFacts;
  const numbers = (end: number) =>
    isSqlite ? series(end) : sql`generate_series(0, ${sql.lit(end - 1)}) as series (n)`;
  const started = sql`${sql.lit(FIRST_DAY * DAY_MS)} + cast(n as bigint) * ${sql.lit(DAYS * DAY_MS)} / ${sql.lit(REQUESTS)}`;
  const model = sql`'model_' || ((n / ${sql.lit(KEYS)}) % ${sql.lit(MODELS)})`;
  const key = sql`(n % ${sql.lit(KEYS)})`;
  for (const query of [
    sql`insert into account (account_id, name, created_at) select 'acc_' || n, 'account', 0 from ${numbers(ACCOUNTS)}`,
    sql`insert into cap_group (cap_group_id) select 'cap_' || n from ${numbers(KEYS)}`,
    sql`insert into api_key (key_id, account_id, cap_group_id, kind, name, secret_digest, last_four, created_at)
      select 'key_' || n, 'acc_' || (n % ${sql.lit(ACCOUNTS)}), 'cap_' || n, 'wholesale', 'main', '', '', 0 from ${numbers(KEYS)}`,
    sql`insert into price (model, version, valid_from, per_second_nano_usd) select 'model_' || n, 1, 0, 40000 from ${numbers(MODELS)}`,
    sql`insert into request (request_id, account_id, key_id, model, engine, engines, status, started_at, duration_ms,
        input_tokens, output_tokens, estimated, list_nano_usd, cost_nano_usd, price_version)
      select ${isSqlite ? sql`printf('req_%022d', n)` : sql`'req_' || lpad(cast(n as text), 22, '0')`},
        'acc_' || (${key} % ${sql.lit(ACCOUNTS)}), 'key_' || ${key}, ${model}, 'embedded', '["embedded"]', 200,
        cast(${started} as bigint), 12345, 16460, 41, 1, 493800, 493800, 1 from ${numbers(REQUESTS)}`,
    sql`insert into usage_day (account_id, day, key_id, model, requests, errors, duration_ms, input_tokens, output_tokens,
        list_nano_usd, cost_nano_usd)
      select account_id, started_at / ${sql.lit(DAY_MS)}, key_id, model, count(*), 0, sum(duration_ms), sum(input_tokens),
        sum(output_tokens), sum(list_nano_usd), sum(cost_nano_usd) from request group by 1, 2, 3, 4`,
    sql`insert into key_month (account_id, month, key_id, model, requests, errors, duration_ms, input_tokens,
        output_tokens, list_nano_usd, cost_nano_usd)
      select account_id, ${isSqlite ? sql`strftime('%Y-%m', day * 86400, 'unixepoch')` : sql`to_char(to_timestamp(day * 86400) at time zone 'UTC', 'YYYY-MM')`},
        key_id, model, sum(requests), sum(errors), sum(duration_ms), sum(input_tokens), sum(output_tokens),
        sum(list_nano_usd), sum(cost_nano_usd) from usage_day group by 1, 2, 3, 4`,
    sql`analyze`,
  ]) {
    await query.execute(db);
  }
}

async function timed(action: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await action();
    times.push(performance.now() - start);
  }
  return times;
}

function toFigures(subject: string, quantity: string, times: readonly number[]): Figure[] {
  return [
    { subject, quantity: `${quantity}, p50`, value: percentile(times, 0.5), unit: 'ms' },
    { subject, quantity: `${quantity}, slowest`, value: Math.max(...times), unit: 'ms' },
  ];
}
