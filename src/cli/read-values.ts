/** Reads the values of options; what cannot be read is a `UsageError` that names the option. */
import { parseUsd, type NanoUsd } from '../core/money.ts';
import { parseTiers, WHOLE_BPS, type Tier } from '../core/tiers.ts';
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

/** Basis points; null where it was left out. */
export function readBps(input: CommandInput, name: string): number | null {
  const parse = (text: string): number | null =>
    /^\d{1,5}$/.test(text) && Number(text) <= WHOLE_BPS ? Number(text) : null;
  return read(input, name, parse, 'a whole number of basis points from 0 to 10000');
}

/** Volume tiers such as `1000:500,10000:1200`; null where they were left out. */
export function readTiers(input: CommandInput, name: string): Tier[] | null {
  return read(
    input,
    name,
    (text) => parseTiers(text === NONE ? '' : text),
    'a list USD:BPS,… such as 1000:500,10000:1200 with rising amounts and discounts that never fall, or "none"',
  );
}

/** A list such as `a,b` of what `isItem` takes; null where it was left out. */
export function readList(
  input: CommandInput,
  name: string,
  isItem: (text: string) => boolean,
  wanted: string,
): string[] | null {
  const parse = (text: string): string[] | null => {
    const items = text.split(',').map((item) => item.trim());
    return items.every(isItem) ? [...new Set(items)] : null;
  };
  return read(input, name, parse, wanted);
}

/** A calendar month such as `2026-07`. */
export function readMonth(input: CommandInput, name: string): string {
  const parse = (text: string): string | null => (/^[12]\d{3}-(0[1-9]|1[0-2])$/.test(text) ? text : null);
  return read(input, name, parse, 'a month such as 2026-07') ?? '';
}

/** The word that takes a limit away. */
const NONE = 'none';

/** Like `readValue`, where `none` is a value too: undefined where the option was left out, null for `none`. */
export function readOrNone<Value>(
  input: CommandInput,
  name: string,
  readValue: (input: CommandInput, name: string) => Value | null,
): Value | null | undefined {
  const text = input.option(name);
  if (text === undefined) return undefined;
  return text === NONE ? null : readValue(input, name);
}

/** Milliseconds since 1970 of an ISO 8601 date or time; null where it was left out. */
export function readTime(input: CommandInput, name: string): number | null {
  const parse = (text: string): number | null => {
    const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(time) ? null : time;
  };
  return read(input, name, parse, 'a date or a time with its zone, such as 2026-07-01 or 2026-07-01T12:00:00Z');
}

/** A language as a code of ISO 639-1; null where it was left out. */
export function readLanguage(input: CommandInput, name: string): string | null {
  return read(input, name, (text) => (/^[a-z]{2}$/.test(text) ? text : null), 'a code of ISO 639-1 such as en');
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
