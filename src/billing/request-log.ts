/**
 * One row for each authenticated call, whatever its end: what `requests` and `errors` are counted from. Each is counted
 * in the totals of its day in the same transaction.
 */
import { sql, type CompiledQuery, type Insertable } from 'kysely';
import type { Usage } from '../core/transcript.ts';
import type {
  AccountDayTable,
  KeyMonthTable,
  RequestTable,
  RequestTimingTable,
  UsageDayTable,
} from '../store/schema.ts';
import { compileOnce } from '../store/compile-once.ts';
import type { Db, Store } from '../store/store.ts';
import { DAY_MS, monthOf } from './month.ts';
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
  await writeIf(insert, [...countInDay(db, row), ...(timed ? [insertTimes(db, call, times).compile()] : [])]);
}

/** Writes down the times of an answered call. They are known only after the settlement, and no money hangs on them. */
export async function recordTimes(db: Db, call: Call, times: CallTimes): Promise<void> {
  await insertTimes(db, call, times).execute();
}

/** The row of an answered call, which the transaction that settles it inserts and counts. */
export function answerRow(call: Call, metered: Metered, charge: Charge, spentListNanoUsd: bigint | null) {
  const { usage, terms } = metered;
  return {
    request_id: call.requestId,
    account_id: call.accountId,
    key_id: call.keyId,
    model: call.model,
    client_request_id: call.clientRequestId,
    user_id: call.userId,
    started_at: call.startedAt,
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

/** Adds a call to the totals that its day and its month are in. */
export function countInDay(db: Db, row: Counted): CompiledQuery[] {
  const counts: DayCounts = {
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
    last_at: row.started_at,
  };
  return [
    addToDay(db, counts),
    addToAccountDay(db, counts),
    addToKeyMonth(db, { ...counts, month: monthOf(row.started_at) }),
  ];
}

/** The columns that every table of totals adds up. */
function summed<T extends Omit<AccountDayTable, 'account_id' | 'day' | 'model'>>(counts: T) {
  const { requests, errors, duration_ms, input_tokens, output_tokens, list_nano_usd, cost_nano_usd } = counts;
  return { requests, errors, duration_ms, input_tokens, output_tokens, list_nano_usd, cost_nano_usd };
}

type DayCounts = Omit<UsageDayTable, 'last_at'> & { readonly last_at: number };

const addToDay = compileOnce((db, counts: DayCounts) =>
  db
    .insertInto('usage_day')
    .values({
      account_id: counts.account_id,
      day: counts.day,
      key_id: counts.key_id,
      model: counts.model,
      ...summed(counts),
      last_at: counts.last_at,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'day', 'key_id', 'model']).doUpdateSet({
        ...sumsWith('usage_day'),
        last_at: sql`case when excluded.last_at > usage_day.last_at then excluded.last_at else usage_day.last_at end`,
      }),
    )
    .compile(),
);

const addToAccountDay = compileOnce((db, counts: AccountDayTable) =>
  db
    .insertInto('account_day')
    .values({
      account_id: counts.account_id,
      day: counts.day,
      model: counts.model,
      ...summed(counts),
    })
    .onConflict((conflict) => conflict.columns(['account_id', 'day', 'model']).doUpdateSet(sumsWith('account_day')))
    .compile(),
);

const addToKeyMonth = compileOnce((db, counts: KeyMonthTable) =>
  db
    .insertInto('key_month')
    .values({
      account_id: counts.account_id,
      month: counts.month,
      key_id: counts.key_id,
      model: counts.model,
      ...summed(counts),
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'month', 'key_id', 'model']).doUpdateSet(sumsWith('key_month')),
    )
    .compile(),
);

/** What is there already, and what comes to it. */
function sumsWith(table: 'usage_day' | 'account_day' | 'key_month') {
  const sum = (column: string) => sql<never>`${sql.ref(`${table}.${column}`)} + ${sql.ref(`excluded.${column}`)}`;
  return {
    requests: sum('requests'),
    errors: sum('errors'),
    duration_ms: sum('duration_ms'),
    input_tokens: sum('input_tokens'),
    output_tokens: sum('output_tokens'),
    list_nano_usd: sum('list_nano_usd'),
    cost_nano_usd: sum('cost_nano_usd'),
  };
}

/** Fails where the call has a row already. */
export const insertAnswer = compileOnce((db, row: Insertable<RequestTable>) =>
  db
    .insertInto('request')
    .values({
      request_id: row.request_id,
      account_id: row.account_id,
      key_id: row.key_id,
      model: row.model,
      client_request_id: row.client_request_id,
      user_id: row.user_id,
      started_at: row.started_at,
      status: row.status,
      code: row.code,
      engine: row.engine,
      engines: row.engines,
      warnings: row.warnings,
      duration_ms: row.duration_ms,
      input_tokens: row.input_tokens,
      output_tokens: row.output_tokens,
      estimated: row.estimated,
      list_nano_usd: row.list_nano_usd,
      cost_nano_usd: row.cost_nano_usd,
      price_version: row.price_version,
      contract_version: row.contract_version,
      key_terms_version: row.key_terms_version,
      spent_list_nano_usd: row.spent_list_nano_usd,
    })
    .compile(),
);

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
