/** Errors become responses here and nowhere else. */
import { z } from 'zod';
import { ERRORS, publicError, type AppError, type ErrorCode, type PublicError } from '../core/errors.ts';
import { replySchemas, time, usd } from './openapi/reply-schemas.ts';

/** The body that every refusal has. */
export interface ErrorBody {
  readonly error: PublicError;
}

export function errorBody(error: AppError, requestId: string): ErrorBody {
  return { error: publicError(error, requestId) };
}

/** No key helps against these. */
const OF_SESSIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['session_required', 'login_failed']);

export function errorResponse(error: AppError, requestId: string): Response {
  const headers = new Headers({ 'content-type': 'application/json; charset=utf-8' });
  if (error.retryAfterSeconds !== undefined)
    headers.set('retry-after', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
  if (error.status === 401 && !OF_SESSIONS.has(error.code)) headers.set('www-authenticate', 'Bearer');
  return new Response(`${JSON.stringify(errorBody(error, requestId))}\n`, { status: error.status, headers });
}

const CODES = Object.keys(ERRORS) as ErrorCode[];
const TYPES = [...new Set(CODES.map((code) => ERRORS[code].type))];

export const errorObjectSchema = z
  .strictObject({
    message: z.string().describe('What to do, in a sentence.'),
    type: z.enum(TYPES),
    code: z.enum(CODES),
    param: z.string().nullable().describe('The member at fault, as it was sent.'),
    request_id: z.string().describe('Quote it when you ask for help.'),
    cap_usd: usd.optional(),
    spent_usd: usd.optional(),
    resets_at: time.optional(),
    balance_usd: usd.optional(),
  })
  .register(replySchemas, { id: 'ErrorObject' });

export const errorSchema = z.strictObject({ error: errorObjectSchema }).register(replySchemas, { id: 'Error' });
