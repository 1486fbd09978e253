/** The calendar month in UTC, on which caps and tiers count. */

/** The month that an instant lies in, as `2026-07`. */
export function monthOf(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 7);
}

/** The first instant of the next month, in milliseconds since 1970: when a monthly cap begins anew. */
export function monthEnd(instantMs: number): number {
  const date = new Date(instantMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
