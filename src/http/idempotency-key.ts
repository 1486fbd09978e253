import { AppError } from '../core/errors.ts';

const CHARACTERS_MAX = 255;

/** The header `Idempotency-Key`; null where none was sent. Throws `invalid_parameter`. */
export function readIdempotencyKey(headers: Headers): string | null {
  const key = headers.get('idempotency-key');
  if (key === null) return null;
  if (key.length >= 1 && key.length <= CHARACTERS_MAX) return key;
  throw new AppError('invalid_parameter', {
    param: 'Idempotency-Key',
    message: `The header "Idempotency-Key" must have 1 to ${CHARACTERS_MAX} characters.`,
  });
}
