/** Totals of calls, in the shape of `GET /v1/usage`. */
import { sql, type RawBuilder } from 'kysely';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { DAY_MS } from './month.ts';
import { addSums, NO_SUMS, type Sums } from './sums.ts';
import type { UsageGroup, UsageQuery, UsageReport, UsageTotals } from './usage-query.ts';

/** The number of the day since 1970 is an integer in every database; a date would be written differently in each. */
const GROUP_COLUMNS: Record<UsageGroup, RawBuilder<string | number>> = {
  day: sql`day`,
  model: sql`model`,
  key: sql`key_id`,
};

/**
 * Whole days come from the totals that are kept by the day, and only what the range cuts off of a day from its calls.
 * @param now in milliseconds since 1970; no call has begun after it.
 */
export async function usageReport(db: Db, query: UsageQuery, now: number): Promise<UsageReport> {
  const group = GROUP_COLUMNS[query.groupBy];
  // Each part is added up for itself first: all rows in one heap would be sorted together.
  const parts = counted(query, now).map(
    (part) => sql`select ${group} as group_value, ${SUMS} from (${part}) as part group by 1`,
  );
  const { rows } = await sql<UsageSums & { group_value: string | number }>`
    select group_value, ${SUMS} from (${sql.join(parts, sql` union all `)}) as counted group by 1 order by 1`.execute(
    db,
  );
  return {
    from: new Date(query.from).toISOString(),
    to: new Date(query.to).toISOString(),
    group_by: query.groupBy,
    data: rows.map((row) => ({ group: groupName(row.group_value), ...toTotals(row) })),
    total: toTotals(rows.reduce(add, NO_USAGE)),
  };
}

/** The model that a call of `request` counts under; the same rule writes the totals of a day. */
export const COUNTED_MODEL = sql`case when request.code = 'model_not_found' then '' else coalesce(request.model, '') end`;

function counted(query: UsageQuery, now: number): RawBuilder<unknown>[] {
  const firstDay = Math.ceil(query.from / DAY_MS);
  // A range that reaches up to now has all of today.
  const endDay = query.to > now ? Math.ceil(query.to / DAY_MS) : Math.floor(query.to / DAY_MS);
  if (firstDay > endDay) return [calls(query, query.from, query.to)];
  const days = sql`select day, model, key_id, requests, errors, duration_ms, input_tokens, output_tokens, list_nano_usd,
    cost_nano_usd from usage_day where day >= ${firstDay} and day < ${endDay} and ${whose(query)}`;
  const parts = [days];
  if (query.from < firstDay * DAY_MS) parts.push(calls(query, query.from, firstDay * DAY_MS));
  if (query.to > endDay * DAY_MS) parts.push(calls(query, endDay * DAY_MS, query.to));
  return parts;
}

function calls(query: UsageQuery, from: number, to: number): RawBuilder<unknown> {
  // All accounts are listed, so that the index by account and time serves a range of all of them too.
  return sql`select started_at / ${DAY_MS} as day, ${COUNTED_MODEL} as model, key_id, 1 as requests,
      case when status >= 400 then 1 else 0 end as errors, duration_ms, input_tokens, output_tokens, list_nano_usd,
      cost_nano_usd
    from request where account_id in (select account_id from account)
      and started_at >= ${from} and started_at < ${to} and ${whose(query)}`;
}

interface UsageSums extends Sums {
  errors: number;
}

const SUMS = sql`sum(requests) as requests,
  sum(errors) as errors,
  sum(duration_ms) as duration_ms,
  sum(input_tokens) as input_tokens,
  sum(output_tokens) as output_tokens,
  sum(list_nano_usd) as list_nano_usd,
  sum(cost_nano_usd) as cost_nano_usd`;

const NO_USAGE: UsageSums = { ...NO_SUMS, errors: 0 };

function whose({ accountId, keyId }: UsageQuery): RawBuilder<unknown> {
  const account = accountId === null ? sql`true` : sql`account_id = ${accountId}`;
  return keyId === null ? account : sql`${account} and key_id = ${keyId}`;
}

function groupName(value: string | number): string {
  return typeof value === 'number' ? new Date(value * DAY_MS).toISOString().slice(0, 10) : value;
}

function add(one: UsageSums, other: UsageSums): UsageSums {
  return { ...addSums(one, other), errors: one.errors + other.errors };
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
