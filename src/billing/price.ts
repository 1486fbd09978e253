/**
 * From a usage to money: pure and exact. A charge has one line for each quantity that has a price: input tokens and output
 * tokens, or milliseconds of audio. Each line is rounded up once, to the nano-dollar, and the charge is their sum.
 */
import { divideRoundingUp, type NanoUsd } from '../core/money.ts';
import type { Usage } from '../core/transcript.ts';

export type ListPrice =
  | { readonly per: 'tokens'; readonly inputPer1mNanoUsd: NanoUsd; readonly outputPer1mNanoUsd: NanoUsd }
  | { readonly per: 'second'; readonly perSecondNanoUsd: NanoUsd };

export interface ChargeLine {
  readonly item: 'input_tokens' | 'output_tokens' | 'audio_milliseconds';
  readonly quantity: number;
  /** The list price of `priceQuantity` of them. */
  readonly priceNanoUsd: NanoUsd;
  readonly priceQuantity: number;
  /** Without the discount. */
  readonly listNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
}

export interface Charge {
  readonly lines: readonly ChargeLine[];
  readonly listNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
}

/** All of a price, in basis points. */
const WHOLE_BPS = 10_000;

/** @param discountBps 0 to 10,000. */
export function charge(usage: Usage, price: ListPrice, discountBps: number): Charge {
  const lines = priceLines(usage, price).map((line) => ({
    ...line,
    listNanoUsd: lineCost(line.quantity, line.priceNanoUsd, line.priceQuantity, 0),
    costNanoUsd: lineCost(line.quantity, line.priceNanoUsd, line.priceQuantity, discountBps),
  }));
  return {
    lines,
    listNanoUsd: lines.reduce((sum, line) => sum + line.listNanoUsd, 0n),
    costNanoUsd: lines.reduce((sum, line) => sum + line.costNanoUsd, 0n),
  };
}

function priceLines(usage: Usage, price: ListPrice): Omit<ChargeLine, 'listNanoUsd' | 'costNanoUsd'>[] {
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

function lineCost(quantity: number, priceNanoUsd: NanoUsd, priceQuantity: number, discountBps: number): NanoUsd {
  const exact = BigInt(quantity) * priceNanoUsd * BigInt(WHOLE_BPS - discountBps);
  return divideRoundingUp(exact, BigInt(priceQuantity) * BigInt(WHOLE_BPS));
}
