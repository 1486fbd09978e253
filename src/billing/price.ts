/**
 * From a usage to money: pure and exact. A charge has one line for each quantity that has a price: input tokens and output
 * tokens, or milliseconds of audio. Each line is rounded up once, to the nano-dollar, and the charge is their sum.
 */
import { divideRoundingUp, type NanoUsd } from '../core/money.ts';
import { WHOLE_BPS, type Tier } from '../core/tiers.ts';
import type { Usage } from '../core/transcript.ts';

export type ListPrice =
  | { readonly per: 'tokens'; readonly inputPer1mNanoUsd: NanoUsd; readonly outputPer1mNanoUsd: NanoUsd }
  | { readonly per: 'second'; readonly perSecondNanoUsd: NanoUsd };

/** What turns list prices into one customer's. */
export interface Discounts {
  /** Below every tier: 0 to 10,000 basis points. */
  readonly discountBps: number;
  readonly tiers: readonly Tier[];
}

/** The stretch of a line that one discount holds for. */
export interface ChargePart {
  /** The list amount of the stretch, exactly: a fraction of nano-USD with the line's `priceQuantity` below. */
  readonly listNumerator: bigint;
  readonly discountBps: number;
}

export interface ChargeLine {
  readonly item: 'input_tokens' | 'output_tokens' | 'audio_milliseconds';
  readonly quantity: number;
  /** The list price of `priceQuantity` of them. */
  readonly priceNanoUsd: NanoUsd;
  readonly priceQuantity: number;
  readonly parts: readonly ChargePart[];
  /** Without the discount. */
  readonly listNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
}

export interface Charge {
  readonly lines: readonly ChargeLine[];
  readonly listNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
}

/**
 * The lines stand one after the other on the month's list spend, from `spentNanoUsd` on, and each is split where it
 * crosses a threshold.
 */
export function charge(usage: Usage, price: ListPrice, discounts: Discounts, spentNanoUsd: NanoUsd): Charge {
  const lines: ChargeLine[] = [];
  let position = spentNanoUsd;
  for (const line of pricedQuantities(usage, price)) {
    const parts = split(BigInt(line.quantity) * line.priceNanoUsd, BigInt(line.priceQuantity), discounts, position);
    const { listNanoUsd, costNanoUsd } = roundUp(parts, BigInt(line.priceQuantity));
    lines.push({ ...line, parts, listNanoUsd, costNanoUsd });
    position += listNanoUsd;
  }
  return {
    lines,
    listNanoUsd: lines.reduce((sum, line) => sum + line.listNanoUsd, 0n),
    costNanoUsd: lines.reduce((sum, line) => sum + line.costNanoUsd, 0n),
  };
}

/**
 * The most that a usage can cost once so much has been spent: with the discount of that position throughout, since tiers
 * never fall as spend rises.
 */
export function mostCost(usage: Usage, price: ListPrice, discounts: Discounts, spentNanoUsd: NanoUsd): NanoUsd {
  const least = { discountBps: discountAt(discounts, spentNanoUsd), tiers: [] };
  return charge(usage, price, least, spentNanoUsd).costNanoUsd;
}

/** What a list amount comes to that stands on the month's list spend from `spentNanoUsd` on. */
export function discountedAmount(listNanoUsd: NanoUsd, discounts: Discounts, spentNanoUsd: NanoUsd): NanoUsd {
  return roundUp(split(listNanoUsd, 1n, discounts, spentNanoUsd), 1n).costNanoUsd;
}

/** The discount of the next nano-dollar of list spend. */
export function discountAt({ discountBps, tiers }: Discounts, spentNanoUsd: NanoUsd): number {
  const reached = tiers.filter((tier) => tier.aboveNanoUsd <= spentNanoUsd);
  return Math.max(discountBps, ...reached.map((tier) => tier.discountBps));
}

function split(listNumerator: bigint, denominator: bigint, discounts: Discounts, position: NanoUsd): ChargePart[] {
  const parts: ChargePart[] = [];
  let done = 0n;
  for (const { aboveNanoUsd } of discounts.tiers) {
    const end = (aboveNanoUsd - position) * denominator;
    if (end <= done) continue;
    if (end >= listNumerator) break;
    parts.push({
      listNumerator: end - done,
      discountBps: discountAt(discounts, position + done / denominator),
    });
    done = end;
  }
  const discountBps = discountAt(discounts, position + done / denominator);
  return [...parts, { listNumerator: listNumerator - done, discountBps }];
}

/** The exact parts are added up first and rounded once. */
function roundUp(parts: readonly ChargePart[], denominator: bigint): { listNanoUsd: NanoUsd; costNanoUsd: NanoUsd } {
  const list = parts.reduce((sum, part) => sum + part.listNumerator, 0n);
  const cost = parts.reduce((sum, part) => sum + part.listNumerator * BigInt(WHOLE_BPS - part.discountBps), 0n);
  return {
    listNanoUsd: divideRoundingUp(list, denominator),
    costNanoUsd: divideRoundingUp(cost, denominator * BigInt(WHOLE_BPS)),
  };
}

type PricedQuantity = Pick<ChargeLine, 'item' | 'quantity' | 'priceNanoUsd' | 'priceQuantity'>;

function pricedQuantities(usage: Usage, price: ListPrice): PricedQuantity[] {
  switch (price.per) {
    case 'tokens':
      return [
        {
          item: 'input_tokens',
          quantity: usage.inputTokens,
          priceNanoUsd: price.inputPer1mNanoUsd,
          priceQuantity: 1_000_000,
        },
        {
          item: 'output_tokens',
          quantity: usage.outputTokens,
          priceNanoUsd: price.outputPer1mNanoUsd,
          priceQuantity: 1_000_000,
        },
      ];
    case 'second':
      return [
        {
          item: 'audio_milliseconds',
          quantity: usage.durationMs,
          priceNanoUsd: price.perSecondNanoUsd,
          priceQuantity: 1_000,
        },
      ];
  }
}
