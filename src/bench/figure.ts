/** What a benchmark measures. */
export interface Figure {
  /** What was measured, such as `sqlite`. */
  readonly subject: string;
  /** What of it, such as `hold, p50`. */
  readonly quantity: string;
  readonly value: number;
  readonly unit: string;
}

export interface Bench {
  readonly name: string;
  readonly run: () => Promise<readonly Figure[]>;
}

/** @param share such as 0.99: the value that this share of all stays below. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
