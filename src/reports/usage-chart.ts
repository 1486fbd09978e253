/** Usage by whole days (UTC) for a chart and a table, from totals only: the calls themselves are not read. */
import { sql, type RawBuilder } from 'kysely';
import { DAY_MS, monthOf } from '../billing/month.ts';
import { addSums, NO_SUMS, type Sums } from '../billing/sums.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { isoTime } from './page.ts';

export interface UsageChartQuery {
  /** Null for all accounts. */
  readonly accountId: string | null;
  /** Days since 1970: the first, and the first one after the last. */
  readonly firstDay: number;
  readonly endDay: number;
  /** No call has begun after it. */
  readonly today: number;
  readonly groupBy: 'day' | 'model' | 'key';
  readonly model: string | undefined;
  readonly keyId: string | undefined;
  /** So many keys have rows of their own in the table, and so many in the chart; the others are the group `other`. */
  readonly keysMax: number;
  readonly chartKeysMax: number;
}

export interface UsageTotals {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly list_usd: string;
  readonly cost_usd: string;
}

interface Counted extends Sums {
  errors: number;
}

interface GroupSums extends Counted {
  group_value: string | number;
}

interface DaySums extends Counted {
  day: number;
  group_value: string;
}

const NOTHING: Counted = { ...NO_SUMS, errors: 0 };
const OTHER = 'other';

export async function usageChart(db: Db, query: UsageChartQuery) {
  const named = await groupSums(db, query);
  const total = query.groupBy === 'key' ? await totalOf(db, query) : named.reduce(add, NOTHING);
  const others = named.reduce<Counted>(subtract, total);
  const names =
    query.groupBy === 'key'
      ? await keyNames(
          db,
          named.map(({ group_value: id }) => String(id)),
        )
      : new Map();
  const label = (group: string): string => names.get(group) ?? group;
  const charted = named.slice(0, query.chartKeysMax).map(({ group_value: id }) => String(id));
  const days = query.groupBy === 'key' ? await daysOfKeys(db, query, charted) : await daysOfModels(db, query);
  const data = named.map((row) => ({ group: groupName(row), label: label(groupName(row)), ...toTotals(row) }));
  return {
    from: isoTime(query.firstDay * DAY_MS),
    to: isoTime(query.endDay * DAY_MS),
    group_by: query.groupBy,
    data: others.requests > 0 ? [...data, { group: OTHER, label: OTHER, ...toTotals(others) }] : data,
    days: days.map((row) => ({
      day: isoDay(row.day),
      group: row.group_value,
      label: label(row.group_value),
      ...toTotals(row),
    })),
    total: toTotals(total),
  };
}

const GROUPS: Record<UsageChartQuery['groupBy'], RawBuilder<string | number>> = {
  day: sql`day`,
  model: sql`model`,
  key: sql`key_id`,
};

async function groupSums(db: Db, query: UsageChartQuery): Promise<GroupSums[]> {
  const months = wholeMonths(query);
  if (months !== null && months.length > 0) {
    const account = query.accountId === null ? sql`true` : sql`account_id = ${query.accountId}`;
    const model = query.model === undefined ? sql`true` : sql`model = ${query.model}`;
    const { rows } = await sql<GroupSums>`select key_id as group_value, ${SUMS} from key_month
      where ${account} and ${model} and month in (${sql.join(months)}) group by 1 ${mostFirst(query)}`.execute(db);
    return rows;
  }
  const order = query.groupBy === 'key' ? mostFirst(query) : sql`order by 1`;
  const { rows } = await sql<GroupSums>`select ${GROUPS[query.groupBy]} as group_value, ${SUMS} from ${source(query)}
    group by 1 ${order}`.execute(db);
  return rows;
}

/** There may be thousands of keys: the database sorts them and gives those that are shown. */
function mostFirst({ keysMax }: UsageChartQuery): RawBuilder<unknown> {
  return sql`order by sum(cost_nano_usd) desc, sum(requests) desc limit ${keysMax}`;
}

async function totalOf(db: Db, query: UsageChartQuery): Promise<Counted> {
  const { rows } = await sql<Counted>`select ${SUMS} from ${source({ ...query, groupBy: 'day' })}
    having count(*) > 0`.execute(db);
  return rows[0] ?? NOTHING;
}

async function daysOfModels(db: Db, query: UsageChartQuery): Promise<DaySums[]> {
  const { rows } = await sql<DaySums>`select day, model as group_value, ${SUMS} from ${source(query)}
    group by 1, 2 order by 1, 2`.execute(db);
  return rows;
}

/** The days of a few keys; what is left of each day's total is the group `other`. */
async function daysOfKeys(db: Db, query: UsageChartQuery, keyIds: readonly string[]): Promise<DaySums[]> {
  const named =
    keyIds.length === 0
      ? []
      : (
          await sql<DaySums>`select day, key_id as group_value, ${SUMS} from usage_day
            where key_id in (${sql.join(keyIds)}) and ${range(query)} group by 1, 2 order by 1, 2`.execute(db)
        ).rows;
  const { rows: totals } =
    await sql<DaySums>`select day, '' as group_value, ${SUMS} from ${source({ ...query, groupBy: 'day' })}
    group by 1 order by 1`.execute(db);
  return totals.flatMap((total) => {
    const own = named.filter(({ day }) => day === total.day);
    const rest = own.reduce<Counted>(subtract, total);
    return rest.requests > 0 ? [...own, { ...rest, day: total.day, group_value: OTHER }] : own;
  });
}

/**
 * Keys over whole months, the running one among them, are read from the totals of months: a key has one row there for
 * each model, and thirty in those of days.
 */
function wholeMonths({ groupBy, keyId, firstDay, endDay, today }: UsageChartQuery): readonly string[] | null {
  if (groupBy !== 'key' || keyId !== undefined || !isMonthStart(firstDay)) return null;
  if (!isMonthStart(endDay) && endDay <= today) return null;
  const months = new Set<string>();
  for (let day = firstDay; day < endDay; day += 1) months.add(monthOf(day * DAY_MS));
  return months.size > MONTHS_MAX ? null : [...months];
}

const MONTHS_MAX = 36;

function isMonthStart(day: number): boolean {
  return new Date(day * DAY_MS).getUTCDate() === 1;
}

/** Where keys don't matter the totals without them serve: an account may have thousands of keys. */
function source(query: UsageChartQuery): RawBuilder<unknown> {
  const table = query.groupBy === 'key' || query.keyId !== undefined ? 'usage_day' : 'account_day';
  const key = query.keyId === undefined ? sql`true` : sql`key_id = ${query.keyId}`;
  return sql`${sql.table(table)} where ${key} and ${range(query)}`;
}

function range({ accountId, firstDay, endDay, model }: UsageChartQuery): RawBuilder<unknown> {
  const account = accountId === null ? sql`true` : sql`account_id = ${accountId}`;
  return sql`${account} and day >= ${firstDay} and day < ${endDay}
    and ${model === undefined ? sql`true` : sql`model = ${model}`}`;
}

export async function keyNames(db: Db, keyIds: readonly string[]): Promise<Map<string, string>> {
  if (keyIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('api_key')
    .select(['key_id', 'name', 'last_four'])
    .where('key_id', 'in', keyIds)
    .execute();
  return new Map(rows.map((row) => [row.key_id, row.name === '' ? `…${row.last_four}` : row.name]));
}

export const SUMS = sql`cast(sum(requests) as bigint) as requests, cast(sum(errors) as bigint) as errors,
  cast(sum(duration_ms) as bigint) as duration_ms, cast(sum(input_tokens) as bigint) as input_tokens,
  cast(sum(output_tokens) as bigint) as output_tokens, sum(list_nano_usd) as list_nano_usd,
  sum(cost_nano_usd) as cost_nano_usd`;

export function toTotals(sums: Counted): UsageTotals {
  return {
    requests: sums.requests,
    errors: sums.errors,
    seconds: sums.duration_ms / 1000,
    input_tokens: sums.input_tokens,
    output_tokens: sums.output_tokens,
    list_usd: formatUsd(sums.list_nano_usd),
    cost_usd: formatUsd(sums.cost_nano_usd),
  };
}

function groupName({ group_value: value }: GroupSums): string {
  return typeof value === 'number' ? isoDay(value) : value;
}

export function isoDay(day: number): string {
  return isoTime(day * DAY_MS).slice(0, 10);
}

function add(one: Counted, other: Counted): Counted {
  return { ...addSums(one, other), errors: one.errors + other.errors };
}

function subtract(left: Counted, row: Counted): Counted {
  return {
    requests: left.requests - row.requests,
    errors: left.errors - row.errors,
    duration_ms: left.duration_ms - row.duration_ms,
    input_tokens: left.input_tokens - row.input_tokens,
    output_tokens: left.output_tokens - row.output_tokens,
    list_nano_usd: left.list_nano_usd - row.list_nano_usd,
    cost_nano_usd: left.cost_nano_usd - row.cost_nano_usd,
  };
}
