/** The first screen's figures in one go: of a month, of the last day, and of thirty days for the chart. */
import { sql } from 'kysely';
import { DAY_MS, monthEnd, monthOf } from '../billing/month.ts';
import type { Clock } from '../core/clock.ts';
import { formatUsd } from '../core/money.ts';
import { keyIsLive } from '../store/key-is-live.ts';
import type { Db } from '../store/store.ts';
import { countLiveKeys } from './key-rows.ts';
import { isoTime } from './page.ts';
import { requestPage, TOOK_MS } from './request-rows.ts';
import { isoDay, keyNames } from './usage-chart.ts';

const CHART_DAYS = 30;
const RECENT = 20;
const FORECAST_DAYS = 7;

/** So many keys have a colour of their own in the chart. */
const CHART_KEYS = 8;

/** Percentiles are those of the newest so many answered calls of their time. */
const SAMPLE = 2_000;

interface Facts {
  readonly requests: number;
  readonly errors: number;
  readonly duration_ms: number;
}

/** @param accountId null for all accounts. */
export async function overview(db: Db, accountId: string | null, clock: Clock) {
  const now = clock.now();
  const today = Math.floor(now / DAY_MS);
  const monthStart = Date.parse(`${monthOf(now)}-01`);
  const days = await modelDays(db, accountId, Math.min(today - CHART_DAYS + 1, monthStart / DAY_MS));
  const month = days.filter(({ day }) => day * DAY_MS >= monthStart);
  const spent = month.reduce((sum, { cost_nano_usd: cost }) => sum + cost, 0n);
  const charted = days.filter(({ day }) => day > today - CHART_DAYS);
  const dayAgo = now - DAY_MS;
  const [held, cap, balance, lastDay, samples, keyDays, recent, liveKeys] = await Promise.all([
    heldAmount(db, accountId),
    capOfKeys(db, accountId, now),
    prepaidBalance(db, accountId),
    callsSince(db, accountId, dayAgo),
    newestTimes(db, accountId, Math.min(dayAgo, monthStart)),
    costByKey(db, accountId, today - CHART_DAYS + 1, now),
    requestPage(db, { ...EVERY_REQUEST, accountId, limit: RECENT }, clock),
    countLiveKeys(db, accountId, now),
  ]);
  const facts = month.reduce(addFacts, { requests: 0, errors: 0, duration_ms: 0 });
  return {
    month: monthOf(now),
    resets_at: isoTime(monthEnd(now)),
    spent_usd: formatUsd(spent),
    held_usd: formatUsd(held),
    cap_usd: cap === null ? null : formatUsd(cap),
    forecast_usd: forecast(days, spent, now),
    balance_usd: balance === null ? null : formatUsd(balance),
    day: traffic(
      lastDay,
      samples.filter((sample) => sample.started_at >= dayAgo),
    ),
    month_traffic: traffic(
      facts,
      samples.filter((sample) => sample.started_at >= monthStart),
    ),
    cost_by_model: charted.map((row) => costOf(row.day, row.model, row.model, row)),
    cost_by_key: keyDays,
    recent: recent.data,
    live_keys: liveKeys,
  };
}

const EVERY_REQUEST = {
  cursor: undefined,
  from: null,
  to: null,
  status: undefined,
  keyId: undefined,
  model: undefined,
  engine: undefined,
  code: undefined,
  slowMs: undefined,
  warned: false,
} as const;

interface ModelDay extends Facts {
  readonly day: number;
  readonly model: string;
  readonly cost_nano_usd: bigint;
}

async function modelDays(db: Db, accountId: string | null, firstDay: number): Promise<ModelDay[]> {
  const { rows } = await sql<ModelDay>`select day, model, cast(sum(requests) as bigint) as requests,
      cast(sum(errors) as bigint) as errors, cast(sum(duration_ms) as bigint) as duration_ms,
      sum(cost_nano_usd) as cost_nano_usd
    from account_day where day >= ${firstDay} and ${ofAccount(accountId)} group by 1, 2 order by 1, 2`.execute(db);
  return rows;
}

/** The keys that cost most in this month and the one before, and `other` for what is left of each day. */
async function costByKey(db: Db, accountId: string | null, firstDay: number, now: number) {
  const lastMonth = monthOf(Date.parse(`${monthOf(now)}-01`) - 1);
  const { rows: top } = await sql<{ key_id: string }>`
    select key_id from api_key where cap_group_id in (
      select cap_group_id from (
        select cap_group_id, sum(settled_nano_usd) as settled_nano_usd from cap_balance
        where month in (${lastMonth}, ${monthOf(now)}) and ${
          accountId === null
            ? sql`true`
            : sql`cap_group_id in (select cap_group_id from api_key where account_id = ${accountId})`
        }
        group by cap_group_id order by 2 desc limit ${CHART_KEYS}
      ) as most
    )`.execute(db);
  const keyIds = top.map(({ key_id: id }) => id);
  const { rows: totals } = await sql<KeyDay>`select day, '' as key_id, cast(sum(requests) as bigint) as requests,
      sum(cost_nano_usd) as cost_nano_usd
    from account_day where day >= ${firstDay} and ${ofAccount(accountId)} group by 1 order by 1`.execute(db);
  const named = keyIds.length === 0 ? [] : await daysOf(db, keyIds, firstDay);
  const names = await keyNames(db, keyIds);
  return totals.flatMap((total) => {
    const own = named.filter(({ day }) => day === total.day);
    const shown = own.map((row) => costOf(row.day, row.key_id, names.get(row.key_id) ?? row.key_id, row));
    const requests = own.reduce((left, row) => left - row.requests, total.requests);
    const cost = own.reduce((left, row) => left - row.cost_nano_usd, total.cost_nano_usd);
    return requests > 0 ? [...shown, costOf(total.day, 'other', 'other', { requests, cost_nano_usd: cost })] : shown;
  });
}

interface KeyDay {
  readonly day: number;
  readonly key_id: string;
  readonly requests: number;
  readonly cost_nano_usd: bigint;
}

async function daysOf(db: Db, keyIds: readonly string[], firstDay: number): Promise<KeyDay[]> {
  const { rows } = await sql<KeyDay>`select day, key_id, cast(sum(requests) as bigint) as requests,
      sum(cost_nano_usd) as cost_nano_usd
    from usage_day where key_id in (${sql.join(keyIds)}) and day >= ${firstDay} group by 1, 2 order by 1, 2`.execute(
    db,
  );
  return rows;
}

function costOf(day: number, group: string, label: string, row: { requests: number; cost_nano_usd: bigint }) {
  return { day: isoDay(day), group, label, requests: row.requests, cost_usd: formatUsd(row.cost_nano_usd) };
}

async function heldAmount(db: Db, accountId: string | null): Promise<bigint> {
  const { rows } = await sql<{ held_nano_usd: bigint | null }>`
    select sum(held_nano_usd) as held_nano_usd from account_balance where ${ofAccount(accountId)}`.execute(db);
  return rows[0]?.held_nano_usd ?? 0n;
}

async function prepaidBalance(db: Db, accountId: string | null): Promise<bigint | null> {
  if (accountId === null) return null;
  const row = await db
    .selectFrom('account_balance')
    .select('balance_nano_usd')
    .where('account_id', '=', accountId)
    .where('prepaid', '=', 1)
    .executeTakeFirst();
  return row?.balance_nano_usd ?? null;
}

/** Keys that were rotated share one cap. Null where a live wholesale key has none, or where there is no such key. */
async function capOfKeys(db: Db, accountId: string | null, now: number): Promise<bigint | null> {
  const { rows } = await sql<{ groups: number; capped: number; cap_nano_usd: bigint | null }>`
    select count(*) as groups, count(cap_nano_usd) as capped, sum(cap_nano_usd) as cap_nano_usd from cap_group
    where cap_group_id in (select cap_group_id from api_key
      where kind = 'wholesale' and ${keyIsLive(now)} and ${ofAccount(accountId)})`.execute(db);
  const row = rows[0];
  return row === undefined || row.groups === 0 || row.capped < row.groups ? null : row.cap_nano_usd;
}

async function callsSince(db: Db, accountId: string | null, since: number): Promise<Facts> {
  const { rows } = await sql<Facts>`select count(*) as requests, count(case when status >= 400 then 1 end) as errors,
      cast(coalesce(sum(duration_ms), 0) as bigint) as duration_ms
    from request where started_at >= ${since} and ${ofAccount(accountId)}`.execute(db);
  return rows[0] ?? { requests: 0, errors: 0, duration_ms: 0 };
}

interface Sample {
  readonly started_at: number;
  readonly took_ms: number;
}

async function newestTimes(db: Db, accountId: string | null, since: number): Promise<readonly Sample[]> {
  const { rows } = await sql<Sample>`
    select started_at, ${TOOK_MS} as took_ms from (
      select request_id, started_at from request
      where started_at >= ${since} and status < 400 and ${ofAccount(accountId)}
      order by started_at desc limit ${SAMPLE}
    ) as newest join request_timing on request_timing.request_id = newest.request_id`.execute(db);
  return rows;
}

function traffic({ requests, errors, duration_ms: ms }: Facts, samples: readonly Sample[]) {
  const times = samples.map(({ took_ms: took }) => took).toSorted((one, other) => one - other);
  const percentile = (share: number): number | null => times[Math.ceil(times.length * share) - 1] ?? null;
  return { requests, errors, audio_seconds: ms / 1000, p50_ms: percentile(0.5), p99_ms: percentile(0.99) };
}

function addFacts(one: Facts, other: Facts): Facts {
  return {
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    duration_ms: one.duration_ms + other.duration_ms,
  };
}

/** What the month comes to if it goes on like its last seven days, or like all days since the first call. */
function forecast(days: readonly ModelDay[], spent: bigint, now: number): string | null {
  const firstDay = days[0]?.day;
  if (firstDay === undefined) return null;
  const since = Math.max(firstDay, Math.floor(now / DAY_MS) - FORECAST_DAYS + 1);
  const recent = days.reduce((sum, row) => (row.day >= since ? sum + row.cost_nano_usd : sum), 0n);
  const elapsed = Math.max(now - since * DAY_MS, HOUR_MS);
  return formatUsd(spent + (recent * BigInt(monthEnd(now) - now)) / BigInt(elapsed));
}

const HOUR_MS = 3_600_000;

function ofAccount(accountId: string | null) {
  return accountId === null ? sql<boolean>`true` : sql<boolean>`account_id = ${accountId}`;
}
