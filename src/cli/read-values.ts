/** Reads the values of options; what cannot be read is a `UsageError` that names the option. */
import { parseUsd, type NanoUsd } from '../core/money.ts';
import { UsageError, type CommandInput } from './command.ts';

/** Nano-USD of an option such as `--cap-usd 12.50`; null where it was left out. */
export function readUsd(input: CommandInput, name: string): NanoUsd | null {
  return read(input, name, parseUsd, 'an amount in US dollars with at most nine decimals, such as 12.50');
}

/** A whole number from 1 to `max`; null where it was left out. */
export function readCount(input: CommandInput, name: string, max: number): number | null {
  const parse = (text: string): number | null =>
    /^[1-9]\d{0,8}$/.test(text) && Number(text) <= max ? Number(text) : null;
  return read(input, name, parse, `a whole number from 1 to ${max}`);
}

/** Milliseconds since 1970 of an ISO 8601 date or time; null where it was left out. */
export function readTime(input: CommandInput, name: string): number | null {
  const parse = (text: string): number | null => {
    const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(time) ? null : time;
  };
  return read(input, name, parse, 'a date or a time with its zone, such as 2026-07-01 or 2026-07-01T12:00:00Z');
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a length of time such as `24h`; null where it was left out. */
export function readDurationMs(input: CommandInput, name: string): number | null {
  const parse = (text: string): number | null => {
    const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
    return count === undefined ? null : Number(count) * (UNIT_MS[unit] ?? 0);
  };
  return read(input, name, parse, 'a length of time such as 90s, 30m, 24h or 7d');
}

/** One of the words; the first where it was left out. */
export function readChoice<Choice extends string>(
  input: CommandInput,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const parse = (text: string): Choice | null => choices.find((choice) => choice === text) ?? null;
  return read(input, name, parse, `one of ${choices.join(', ')}`) ?? choices[0];
}

function read<Value>(
  input: CommandInput,
  name: string,
  parse: (text: string) => Value | null,
  wanted: string,
): Value | null {
  const text = input.option(name);
  if (text === undefined) return null;
  const value = parse(text);
  if (value === null) throw new UsageError(`--${name} must be ${wanted}.`);
  return value;
}
