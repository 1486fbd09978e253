/** The calendar in UTC: caps and tiers count by the month, totals are kept by the day. */

export const DAY_MS = 86_400_000;

/** The month that an instant lies in, as `2026-07`. */
export function monthOf(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 7);
}

/** The first instant of the next month, in milliseconds since 1970: when a monthly cap begins anew. */
export function monthEnd(instantMs: number): number {
  const date = new Date(instantMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** The first day of a month such as `2026-07` and the first one after it, in days since 1970. */
export function daysOfMonth(month: string): { readonly first: number; readonly end: number } {
  const start = Date.parse(`${month}-01`);
  return { first: start / DAY_MS, end: monthEnd(start) / DAY_MS };
}
