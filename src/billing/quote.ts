/** What a model costs a caller at this moment: the list price, and what the discount of its next call makes of it. */
import { AppError } from '../core/errors.ts';
import type { Caller } from '../core/caller.ts';
import { divideRoundingUp, formatUsd, type NanoUsd } from '../core/money.ts';
import { WHOLE_BPS } from '../core/tiers.ts';
import type { Db } from '../store/store.ts';
import { discountAt, type ListPrice } from './price.ts';
import { spentList, type Pricing } from './terms.ts';

export type PriceBody =
  | { readonly input_usd_per_1m: string; readonly output_usd_per_1m: string }
  | { readonly usd_per_second: string };

/** In the shape of `GET /v1/models`. */
export interface Quote {
  readonly list: PriceBody;
  readonly discount_bps: number;
  readonly yours: PriceBody;
  /** Of a minute of audio at the caller's price, output tokens left out. */
  readonly usd_per_minute_of_audio: string;
}

const TOKENS_PRICED = 1_000_000n;
const SECONDS_PER_MINUTE = 60n;

/** Null for a model without a price. */
export async function quoteOf(
  { db, pricing }: { readonly db: Db; readonly pricing: Pick<Pricing, 'termsOf'> },
  { accountId, keyId }: Pick<Caller, 'accountId' | 'keyId'>,
  model: { readonly id: string; readonly audioTokensPerMinute: number },
  now: number,
): Promise<Quote | null> {
  const call = {
    requestId: '',
    accountId,
    keyId,
    model: model.id,
    clientRequestId: null,
    userId: null,
    startedAt: now,
  };
  const terms = await pricing.termsOf(call).catch(nullWithoutPrice);
  if (terms === null) return null;
  const spent = terms.tiersCount === null ? 0n : await spentList(db, call, terms.tiersCount);
  const discountBps = discountAt(terms, spent);
  const { listPrice } = terms.price;
  const yours = discounted(listPrice, discountBps);
  return {
    list: priceBody(listPrice),
    discount_bps: discountBps,
    yours: priceBody(yours),
    usd_per_minute_of_audio: formatUsd(perMinute(yours, BigInt(model.audioTokensPerMinute))),
  };
}

export function priceBody(price: ListPrice): PriceBody {
  return price.per === 'second'
    ? { usd_per_second: formatUsd(price.perSecondNanoUsd) }
    : {
        input_usd_per_1m: formatUsd(price.inputPer1mNanoUsd),
        output_usd_per_1m: formatUsd(price.outputPer1mNanoUsd),
      };
}

/** What a list price comes to with a discount, each part rounded up. */
export function discounted(price: ListPrice, discountBps: number): ListPrice {
  const less = (nanoUsd: NanoUsd): NanoUsd =>
    divideRoundingUp(nanoUsd * BigInt(WHOLE_BPS - discountBps), BigInt(WHOLE_BPS));
  return price.per === 'second'
    ? { per: 'second', perSecondNanoUsd: less(price.perSecondNanoUsd) }
    : {
        per: 'tokens',
        inputPer1mNanoUsd: less(price.inputPer1mNanoUsd),
        outputPer1mNanoUsd: less(price.outputPer1mNanoUsd),
      };
}

/** Of a minute of audio, output tokens left out. */
export function perMinute(price: ListPrice, audioTokensPerMinute: bigint): NanoUsd {
  return price.per === 'second'
    ? price.perSecondNanoUsd * SECONDS_PER_MINUTE
    : divideRoundingUp(price.inputPer1mNanoUsd * audioTokensPerMinute, TOKENS_PRICED);
}

/** `termsOf` refuses a call for such a model; a list has it without a price. */
function nullWithoutPrice(error: unknown): null {
  if (error instanceof AppError && error.code === 'engine_unavailable') return null;
  throw error;
}
