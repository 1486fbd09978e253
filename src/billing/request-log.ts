/**
 * One row for each authenticated call, whatever its end: what `requests` and `errors` are counted from. Each is counted
 * in its day's totals in the same transaction.
 */
import { sql, type CompiledQuery } from 'kysely';
import type { Usage } from '../core/transcript.ts';
import type { RequestTable, RequestTimingTable, UsageDayTable } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import { DAY_MS } from './month.ts';
import type { Charge } from './price.ts';
import type { Terms } from './terms.ts';

/** The facts of a call that its end doesn't change. */
export interface Call {
  readonly requestId: string;
  readonly accountId: string;
  readonly keyId: string;
  /** Null while the request has not been read. */
  readonly model: string | null;
  /** The caller's own label and user; null where it gave none. */
  readonly clientRequestId: string | null;
  readonly userId: string | null;
  /** Milliseconds since 1970. The call counts in the day and the month of this instant, and its prices are those of it. */
  readonly startedAt: number;
}

/** What an answered call used, and what that is priced by. */
export interface Metered {
  /** The engine that gave most of the text, and all that gave some. */
  readonly engine: string;
  readonly engines: readonly string[];
  /** The codes of the reply's warnings. */
  readonly warnings: readonly string[];
  readonly usage: Usage;
  readonly terms: Terms;
}

/** How a call ended that was not charged: a refusal or failure has a status at or above 400 and a code. */
export interface Uncharged {
  readonly status: number;
  readonly code: string | null;
}

/** Where a call spent its time, in whole milliseconds; a step that it did not come to has none. */
export type CallTimes = Readonly<Partial<Record<(typeof CALL_STEPS)[number], number>>>;

/**
 * `download` lasts until all bytes are there and overlaps `decode`, which lasts until all samples are there, without the
 * time that speech detection took of it: `detect`. `queue` is the wait for a place; waiting for a free engine counts as
 * `engine`. `settle` lasts until the settlement is durable.
 */
export const CALL_STEPS = ['download', 'decode', 'detect', 'queue', 'engine', 'settle'] as const;

/** Writes the row of a call that was not charged. Where the call has one already, it was charged, and that stands. */
export async function recordUncharged(
  { db, writeIf }: Pick<Store, 'db' | 'writeIf'>,
  call: Call,
  end: Uncharged,
  times: CallTimes,
): Promise<void> {
  const row = { ...callColumns(call), ...NOTHING_METERED, ...end };
  const insert = db
    .insertInto('request')
    .values(row)
    .onConflict((conflict) => conflict.column('request_id').doNothing())
    .compile();
  const timed = Object.keys(times).length > 0;
  await writeIf(insert, [countInDay(db, row), ...(timed ? [insertTimes(db, call, times).compile()] : [])]);
}

/** Writes down the times of an answered call. They are known only after the settlement, and no money hangs on them. */
export async function recordTimes(db: Db, call: Call, times: CallTimes): Promise<void> {
  await insertTimes(db, call, times).execute();
}

/** What an answered call adds to the records, for the transaction that settles it. It fails where the call has a row. */
export function recordAnswer(
  db: Db,
  call: Call,
  metered: Metered,
  charge: Charge,
  spentListNanoUsd: bigint | null,
): CompiledQuery[] {
  const { usage, terms } = metered;
  const row = {
    ...callColumns(call),
    status: 200,
    code: null,
    engine: metered.engine,
    engines: JSON.stringify(metered.engines),
    warnings: JSON.stringify(metered.warnings),
    duration_ms: usage.durationMs,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    estimated: usage.estimated ? 1 : 0,
    list_nano_usd: charge.listNanoUsd,
    cost_nano_usd: charge.costNanoUsd,
    price_version: terms.price.version,
    contract_version: terms.contractVersion,
    key_terms_version: terms.keyTermsVersion,
    spent_list_nano_usd: spentListNanoUsd,
  };
  return [db.insertInto('request').values(row).compile(), countInDay(db, row)];
}

type Counted = Pick<
  RequestTable,
  | 'account_id'
  | 'key_id'
  | 'model'
  | 'started_at'
  | 'status'
  | 'code'
  | 'duration_ms'
  | 'input_tokens'
  | 'output_tokens'
  | 'list_nano_usd'
  | 'cost_nano_usd'
>;

function countInDay(db: Db, row: Counted): CompiledQuery {
  const counts: UsageDayTable = {
    account_id: row.account_id,
    day: Math.floor(row.started_at / DAY_MS),
    key_id: row.key_id,
    // Whatever a caller writes in place of a model must not become a row of its own for each day.
    model: row.code === 'model_not_found' ? '' : (row.model ?? ''),
    requests: 1,
    errors: row.status >= 400 ? 1 : 0,
    duration_ms: row.duration_ms,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    list_nano_usd: row.list_nano_usd,
    cost_nano_usd: row.cost_nano_usd,
  };
  return db
    .insertInto('usage_day')
    .values(counts)
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'day', 'key_id', 'model']).doUpdateSet({
        requests: sql`usage_day.requests + excluded.requests`,
        errors: sql`usage_day.errors + excluded.errors`,
        duration_ms: sql`usage_day.duration_ms + excluded.duration_ms`,
        input_tokens: sql`usage_day.input_tokens + excluded.input_tokens`,
        output_tokens: sql`usage_day.output_tokens + excluded.output_tokens`,
        list_nano_usd: sql`usage_day.list_nano_usd + excluded.list_nano_usd`,
        cost_nano_usd: sql`usage_day.cost_nano_usd + excluded.cost_nano_usd`,
      }),
    )
    .compile();
}

function insertTimes(db: Db, call: Call, times: CallTimes) {
  const columns = CALL_STEPS.map((step) => [`${step}_ms`, times[step] ?? null]);
  const row = {
    ...(Object.fromEntries(columns) as Omit<RequestTimingTable, 'request_id'>),
    request_id: call.requestId,
  };
  return db.insertInto('request_timing').values(row);
}

function callColumns(call: Call) {
  return {
    request_id: call.requestId,
    account_id: call.accountId,
    key_id: call.keyId,
    model: call.model,
    client_request_id: call.clientRequestId,
    user_id: call.userId,
    started_at: call.startedAt,
  };
}

const NOTHING_METERED = {
  engine: null,
  engines: '[]',
  duration_ms: 0,
  input_tokens: 0,
  output_tokens: 0,
  estimated: 0,
  list_nano_usd: 0n,
  cost_nano_usd: 0n,
  price_version: null,
};
