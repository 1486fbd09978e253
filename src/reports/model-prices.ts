/** What models cost now: the list price, and what the discount of an account's next call makes of it. */
import { priceBody, discounted, perMinute, type PriceBody } from '../billing/quote.ts';
import { discountAt, type ListPrice } from '../billing/price.ts';
import type { PriceBook } from '../billing/price-book.ts';
import { spentList, type Pricing, type Terms } from '../billing/terms.ts';
import { AppError } from '../core/errors.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { Tier } from '../core/tiers.ts';
import type { Db } from '../store/store.ts';

export interface PricedModel {
  readonly id: string;
  readonly audioTokensPerMinute: number;
}

interface TierBody {
  readonly above_usd: string;
  readonly discount_bps: number;
}

export interface ModelPriceEntry {
  readonly model: string;
  /** Null for a model without a price. */
  readonly price: {
    readonly list: PriceBody;
    readonly yours: PriceBody;
    readonly discount_bps: number;
    readonly tier: TierBody | null;
    readonly next_tier: TierBody | null;
    readonly usd_per_minute_of_audio: string;
    readonly list_usd_per_minute_of_audio: string;
  } | null;
}

export interface ModelPriceParts {
  readonly db: Db;
  readonly pricing: Pick<Pricing, 'termsOf'>;
  readonly priceBook: Pick<PriceBook, 'at'>;
}

/** @param accountId null for the list price alone. */
export async function modelPrice(
  { db, pricing, priceBook }: ModelPriceParts,
  accountId: string | null,
  model: PricedModel,
  now: number,
): Promise<ModelPriceEntry> {
  if (accountId === null) {
    const list = await priceBook.at(model.id, now);
    return {
      model: model.id,
      price: list === null ? null : show(model, list.listPrice, { discountBps: 0, tiers: [] }, 0n),
    };
  }
  const call = { ...NO_CALL, accountId, model: model.id, startedAt: now };
  const terms: Terms | null = await pricing.termsOf(call).catch((error: unknown) => {
    // A call for a model without a price would be refused; a list has it without one.
    if (error instanceof AppError && error.code === 'engine_unavailable') return null;
    throw error;
  });
  if (terms === null) return { model: model.id, price: null };
  const spent = terms.tiersCount === null ? 0n : await spentList(db, call, terms.tiersCount);
  return { model: model.id, price: show(model, terms.price.listPrice, terms, spent) };
}

const NO_CALL = { requestId: '', keyId: '', clientRequestId: null, userId: null };

function show(
  model: PricedModel,
  list: ListPrice,
  discounts: Pick<Terms, 'discountBps' | 'tiers'>,
  spent: NanoUsd,
): NonNullable<ModelPriceEntry['price']> {
  const discountBps = discountAt(discounts, spent);
  const yours = discounted(list, discountBps);
  const tokens = BigInt(model.audioTokensPerMinute);
  const reached = discounts.tiers.filter((tier) => tier.aboveNanoUsd <= spent).at(-1);
  const next = discounts.tiers.find((tier) => tier.aboveNanoUsd > spent);
  return {
    list: priceBody(list),
    yours: priceBody(yours),
    discount_bps: discountBps,
    tier: reached === undefined || reached.discountBps < discounts.discountBps ? null : tierBody(reached),
    next_tier: next === undefined ? null : tierBody(next),
    usd_per_minute_of_audio: formatUsd(perMinute(yours, tokens)),
    list_usd_per_minute_of_audio: formatUsd(perMinute(list, tokens)),
  };
}

function tierBody({ aboveNanoUsd, discountBps }: Tier): TierBody {
  return { above_usd: formatUsd(aboveNanoUsd), discount_bps: discountBps };
}
