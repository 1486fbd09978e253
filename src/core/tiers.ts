/** Volume tiers: discounts that begin above so much list spend in a calendar month. */
import { formatUsd, parseUsd, type NanoUsd } from './money.ts';

/** All of a price, in basis points. */
export const WHOLE_BPS = 10_000;

export interface Tier {
  /** The discount holds for list spend above this amount. */
  readonly aboveNanoUsd: NanoUsd;
  /** In basis points, 0 to 10,000. */
  readonly discountBps: number;
}

const TIERS_MAX = 20;

/**
 * Reads a list such as `1000:500,10000:1200` (US dollars, basis points), in rising order; the empty text is no tiers.
 * Null where it cannot be read, or where a discount falls while spend rises.
 */
export function parseTiers(text: string): Tier[] | null {
  if (text === '') return [];
  const tiers: Tier[] = [];
  for (const part of text.split(',')) {
    const [, usd = '', bps = ''] = /^([\d.]+):(\d{1,5})$/.exec(part.trim()) ?? [];
    const aboveNanoUsd = parseUsd(usd);
    if (aboveNanoUsd === null || Number(bps) > WHOLE_BPS) return null;
    tiers.push({ aboveNanoUsd, discountBps: Number(bps) });
  }
  return tiers.length <= TIERS_MAX && tiers.every((tier, index) => isAbove(tier, tiers[index - 1])) ? tiers : null;
}

/** The inverse of `parseTiers`; the form in which tiers are stored. */
export function formatTiers(tiers: readonly Tier[]): string {
  return tiers.map(({ aboveNanoUsd, discountBps }) => `${formatUsd(aboveNanoUsd)}:${discountBps}`).join(',');
}

function isAbove(tier: Tier, before: Tier | undefined): boolean {
  return before === undefined || (tier.aboveNanoUsd > before.aboveNanoUsd && tier.discountBps >= before.discountBps);
}
