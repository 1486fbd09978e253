/** One row for each authenticated call, whatever its end: what `requests` and `errors` are counted from. */
import type { CompiledQuery } from 'kysely';
import type { Usage } from '../core/transcript.ts';
import type { Db } from '../store/store.ts';
import type { Charge } from './price.ts';

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
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** What an answered call used and came to. */
export interface Metered {
  /** The engine that gave most of the text, and all that gave some. */
  readonly engine: string;
  readonly engines: readonly string[];
  readonly usage: Usage;
  readonly charge: Charge;
  readonly priceVersion: number;
}

/** How a call ended: a status at or above 400 has a code and is not charged. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
}

/** Writes the row of a call that was refused or failed. Where the call has one already, it was charged, and that stands. */
export async function recordRefusal(db: Db, call: Call, { status, code }: Refusal): Promise<void> {
  await db
    .insertInto('request')
    .values({ ...callColumns(call), ...NOTHING_METERED, status, code })
    .onConflict((conflict) => conflict.column('request_id').doNothing())
    .execute();
}

/** The row of an answered call, for the transaction that settles it. It fails where the call has a row already. */
export function insertAnswer(db: Db, call: Call, metered: Metered): CompiledQuery {
  const { usage, charge } = metered;
  return db
    .insertInto('request')
    .values({
      ...callColumns(call),
      status: 200,
      code: null,
      engine: metered.engine,
      engines: JSON.stringify(metered.engines),
      duration_ms: usage.durationMs,
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      estimated: usage.estimated ? 1 : 0,
      list_nano_usd: charge.listNanoUsd,
      cost_nano_usd: charge.costNanoUsd,
      price_version: metered.priceVersion,
    })
    .compile();
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
