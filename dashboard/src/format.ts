/** Numbers as people read them. What is rounded here says so, and has its whole value on hover. */
import { locale } from './words/words.ts';

const NANO_DIGITS = 9;

/** The text, and whether it is less than the whole truth. */
export interface Shown {
  readonly text: string;
  readonly rounded: boolean;
}

/** A decimal string in nano-dollars: money is never a floating-point number. */
export function toNano(usd: string): bigint {
  const negative = usd.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? usd.slice(1) : usd).split('.');
  const nano = BigInt(whole) * 10n ** 9n + BigInt(fraction.padEnd(NANO_DIGITS, '0').slice(0, NANO_DIGITS) || '0');
  return negative ? -nano : nano;
}

export function fromNano(nano: bigint): string {
  const positive = nano < 0n ? -nano : nano;
  const fraction = (positive % 10n ** 9n).toString().padStart(NANO_DIGITS, '0').replace(/0+$/, '');
  return `${nano < 0n ? '-' : ''}${positive / 10n ** 9n}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * Cents, or as many digits more as it takes to show three of an amount that is smaller. Written in one way wherever the
 * viewer is: `$1.234` would be another amount elsewhere.
 */
export function showUsd(usd: string, digits = digitsFor(toNano(usd))): Shown {
  const nano = toNano(usd);
  const positive = nano < 0n ? -nano : nano;
  const step = 10n ** BigInt(NANO_DIGITS - digits);
  const units = (positive + step / 2n) / step;
  const scale = 10n ** BigInt(digits);
  const whole = (units / scale).toLocaleString('en-US');
  const fraction = digits === 0 ? '' : `.${(units % scale).toString().padStart(digits, '0')}`;
  return { text: `${nano < 0n ? '−' : ''}$${whole}${fraction}`, rounded: units * step !== positive };
}

function digitsFor(nano: bigint): number {
  const positive = nano < 0n ? -nano : nano;
  if (positive === 0n || positive >= 10n ** 9n) return 2;
  let digits = 3;
  while (digits < NANO_DIGITS && positive < 10n ** BigInt(NANO_DIGITS + 2 - digits)) digits += 1;
  // Trailing zeros say nothing.
  while (digits > 2 && positive % 10n ** BigInt(NANO_DIGITS - digits + 1) === 0n) digits -= 1;
  return digits;
}

export function showCount(count: number): string {
  return count.toLocaleString(locale());
}

export function showShare(part: number, whole: number): string {
  const share = whole === 0 ? 0 : part / whole;
  if (part < whole && share > 0.999) return `>${percent(0.999, 1)}`;
  return share > 0 && share < 0.001 ? `<${percent(0.001, 1)}` : percent(share, 1);
}

export function showDiscount(bps: number): string {
  return percent(bps / 10_000, 2);
}

function percent(share: number, digits: number): string {
  return share.toLocaleString(locale(), { style: 'percent', maximumFractionDigits: digits });
}

export function showMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toLocaleString(locale(), { maximumFractionDigits: 2 })} s`;
  return showSeconds(ms / 1_000);
}

/** Of audio: `12.3 s`, `4:05 min`, `3.2 h`. */
export function showSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toLocaleString(locale(), { maximumFractionDigits: 1 })} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`;
  return `${(seconds / 3_600).toLocaleString(locale(), { maximumFractionDigits: 1 })} h`;
}

/** Every digit of it. */
export function showExactSeconds(seconds: number): string {
  return `${showCount(seconds)} s`;
}

/** A place in a recording: `1:02.3`. */
export function showMoment(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - minutes * 60).toFixed(1).padStart(4, '0');
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

/** In the zone of whoever looks. */
export function showTime(iso: string, how: 'time' | 'minute' | 'second' | 'day' = 'minute'): string {
  const isThisYear = new Date(iso).getFullYear() === new Date().getFullYear();
  const options: Intl.DateTimeFormatOptions =
    how === 'time'
      ? { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }
      : {
          ...(isThisYear && how !== 'day' ? {} : { year: 'numeric' as const }),
          month: 'short',
          day: 'numeric',
          ...(how === 'day' ? {} : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' as const }),
          ...(how === 'second' ? { second: '2-digit' as const } : {}),
        };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(iso));
}

export function showUtc(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const STEPS = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 365],
] as const;

/** `3 minutes ago`, `in 2 hours`. */
export function showDistance(iso: string, now: number): string {
  let amount = (new Date(iso).getTime() - now) / 1_000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size || unit === 'day') return format.format(Math.round(amount), unit);
    amount /= size;
  }
  return showTime(iso);
}

/** `July 2026` of `2026-07`. */
export function showMonth(month: string): string {
  return new Intl.DateTimeFormat(locale(), { year: 'numeric', month: 'long', timeZone: 'UTC' }).format(
    new Date(`${month}-01T00:00:00Z`),
  );
}
