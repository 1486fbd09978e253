/** One call: where its time went, and what it cost, line by line. Its transcript and its URL only where the operator had them kept. */
import { explainCharge } from '../billing/explain.ts';
import { contentOf } from '../billing/request-content.ts';
import { AppError, ERRORS, type ErrorCode } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { findRequest, showRequest } from './request-rows.ts';

/** Throws `not_found`, also for a call of another account. */
export async function requestDetail(db: Db, accountId: string | null, requestId: string) {
  const row = await findRequest(db, accountId, requestId);
  if (row === null) throw new AppError('not_found', { message: 'There is no call with this id.' });
  const job = await db.selectFrom('job').select('job_id').where('request_id', '=', requestId).executeTakeFirst();
  return {
    ...showRequest(row),
    engines: JSON.parse(row.engines) as string[],
    client_request_id: row.client_request_id,
    user_id: row.user_id,
    job_id: job?.job_id ?? null,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    estimated: row.estimated === 1,
    list_usd: formatUsd(row.list_nano_usd),
    message: sentenceOf(row.code),
    timeline: {
      download: row.download_ms,
      decode: row.decode_ms,
      detect: row.detect_ms,
      queue: row.queue_ms,
      engine: row.engine_ms,
      settle: row.settle_ms,
    },
    charge: row.price_version === null ? null : await chargeOf(db, requestId),
    content: await contentOf(db, requestId),
  };
}

async function chargeOf(db: Db, requestId: string) {
  const made = await explainCharge(db, requestId);
  const { price_version, contract, key_terms, list_spend_before_usd, lines } = made;
  const { list_usd, cost_usd, held_usd, charged_usd, matches } = made;
  const terms = { price_version, contract, key_terms, list_spend_before_usd };
  return { ...terms, lines, list_usd, cost_usd, held_usd, charged_usd, matches };
}

function sentenceOf(code: string | null): string | null {
  return code !== null && Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].message : null;
}
