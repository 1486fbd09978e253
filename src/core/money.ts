/** Money is bigint nano-USD (10^-9 US dollars) everywhere; decimal strings at the edges; never a floating-point number. */
export type NanoUsd = bigint;

export const NANO_PER_USD = 1_000_000_000n;

/** The largest amount that a database's signed 64-bit integer holds: about 9.2 billion dollars. */
export const NANO_USD_MAX = 2n ** 63n - 1n;

/** Reads a decimal string such as `0.03` or `12`; null where it is none, has more than nine decimals, or is too large. */
export function parseUsd(text: string): NanoUsd | null {
  const match = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return null;
  const nano = BigInt(match[1] ?? '0') * NANO_PER_USD + BigInt((match[2] ?? '').padEnd(9, '0'));
  return nano > NANO_USD_MAX ? null : nano;
}

/** Writes nano-USD as a decimal string without trailing zeros: 396024n is `0.000396024`, 0n is `0`. */
export function formatUsd(nano: NanoUsd): string {
  const sign = nano < 0n ? '-' : '';
  const whole = nano < 0n ? -nano : nano;
  const decimals = (whole % NANO_PER_USD).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${whole / NANO_PER_USD}${decimals === '' ? '' : `.${decimals}`}`;
}

/** Integer division that rounds up; both arguments at least zero, the divisor above it. */
export function divideRoundingUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
