/** Values that a schema has let through as texts; what cannot be read is an `invalid_parameter` that names the member. */
import { AppError } from '../../core/errors.ts';
import { parseUsd, type NanoUsd } from '../../core/money.ts';

/** Null stays null. */
export function nanoUsd(text: string, param: string): NanoUsd;
export function nanoUsd(text: string | null, param: string): NanoUsd | null;
export function nanoUsd(text: string | null, param: string): NanoUsd | null {
  if (text === null) return null;
  const nano = parseUsd(text);
  if (nano !== null) return nano;
  throw new AppError('invalid_parameter', {
    param,
    message: `The parameter "${param}" must be an amount in US dollars with at most nine decimals, such as "12.50".`,
  });
}

/** Milliseconds since 1970; null stays null. */
export function instantMs(text: string, param: string): number;
export function instantMs(text: string | null, param: string): number | null;
export function instantMs(text: string | null, param: string): number | null {
  if (text === null) return null;
  const ms = Date.parse(text);
  if (!Number.isNaN(ms) && ms >= 0) return ms;
  throw new AppError('invalid_parameter', {
    param,
    message: `The parameter "${param}" must be a date or a time with its zone, such as "2026-07-01T12:00:00Z".`,
  });
}
