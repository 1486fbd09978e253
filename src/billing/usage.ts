/** Totals of calls, in the shape of `GET /v1/usage`. */
import { sql, type RawBuilder } from 'kysely';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';

export const USAGE_GROUPS = ['day', 'model', 'key'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

export interface UsageQuery {
  /** Null for all accounts, or for all keys. */
  readonly accountId: string | null;
  readonly keyId: string | null;
  /** The first instant, and the first one after the last, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly groupBy: UsageGroup;
}

export interface UsageTotals {
  readonly requests: number;
  /** Requests with a status of 400 or above. */
  readonly errors: number;
  /** Of decoded audio. */
  readonly seconds: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly list_usd: string;
  readonly cost_usd: string;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  readonly group_by: UsageGroup;
  /** In the order of the groups; a call that named no model counts in the group `""`. */
  readonly data: readonly ({ readonly group: string } & UsageTotals)[];
  readonly total: UsageTotals;
}

const DAY_MS = 86_400_000;

/** The number of the day since 1970 is an integer in every database; a date would be written differently in each. */
const GROUP_COLUMNS: Record<UsageGroup, RawBuilder<string | number>> = {
  day: sql`request.started_at / ${DAY_MS}`,
  model: sql`coalesce(request.model, '')`,
  key: sql`request.key_id`,
};

export async function usageReport(db: Db, query: UsageQuery): Promise<UsageReport> {
  const { rows } = await sql<UsageSums & { group_value: string | number }>`
    select ${GROUP_COLUMNS[query.groupBy]} as group_value, ${SUMS} from request
    where started_at >= ${query.from} and started_at < ${query.to}
      and ${isOrAny('account_id', query.accountId)} and ${isOrAny('key_id', query.keyId)}
    group by 1 order by 1`.execute(db);
  return {
    from: new Date(query.from).toISOString(),
    to: new Date(query.to).toISOString(),
    group_by: query.groupBy,
    data: rows.map((row) => ({ group: groupName(row.group_value), ...toTotals(row) })),
    total: toTotals(rows.reduce(add, NO_USAGE)),
  };
}

interface UsageSums {
  requests: number;
  errors: number;
  duration_ms: number;
  input_tokens: number;
  output_tokens: number;
  list_nano_usd: bigint;
  cost_nano_usd: bigint;
}

const SUMS = sql`count(*) as requests,
  count(case when status >= 400 then 1 end) as errors,
  sum(duration_ms) as duration_ms,
  sum(input_tokens) as input_tokens,
  sum(output_tokens) as output_tokens,
  sum(list_nano_usd) as list_nano_usd,
  sum(cost_nano_usd) as cost_nano_usd`;

const NO_USAGE: UsageSums = {
  requests: 0,
  errors: 0,
  duration_ms: 0,
  input_tokens: 0,
  output_tokens: 0,
  list_nano_usd: 0n,
  cost_nano_usd: 0n,
};

function isOrAny(column: 'account_id' | 'key_id', value: string | null): RawBuilder<unknown> {
  return value === null ? sql`true` : sql`${sql.ref(column)} = ${value}`;
}

function groupName(value: string | number): string {
  return typeof value === 'number' ? new Date(value * DAY_MS).toISOString().slice(0, 10) : value;
}

function add(one: UsageSums, other: UsageSums): UsageSums {
  return {
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    duration_ms: one.duration_ms + other.duration_ms,
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    list_nano_usd: one.list_nano_usd + other.list_nano_usd,
    cost_nano_usd: one.cost_nano_usd + other.cost_nano_usd,
  };
}

function toTotals(sums: UsageSums): UsageTotals {
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
