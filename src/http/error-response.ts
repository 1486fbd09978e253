/** Errors become responses here and nowhere else. */
import { AppError, CallerGone } from '../core/errors.ts';

/** The body that every refusal has. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string;
    readonly param: string | null;
    readonly request_id: string;
    readonly [member: string]: string | null;
  };
}

/** Anything that was thrown as the row of the table that the caller may see; what is no `AppError` is a bug here. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // Nobody is left to read this one; the row only keeps the types whole.
  if (error instanceof CallerGone) return new AppError('internal_error', { detail: error.message });
  return new AppError('internal_error', {
    cause: error,
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

export function errorBody(error: AppError, requestId: string): ErrorBody {
  return {
    error: {
      message: error.message,
      type: error.type,
      code: error.code,
      param: error.param,
      request_id: requestId,
      ...error.members,
    },
  };
}

export function errorResponse(error: AppError, requestId: string): Response {
  const headers = new Headers({ 'content-type': 'application/json; charset=utf-8' });
  if (error.retryAfterSeconds !== undefined)
    headers.set('retry-after', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
  if (error.status === 401) headers.set('www-authenticate', 'Bearer');
  return new Response(`${JSON.stringify(errorBody(error, requestId))}\n`, { status: error.status, headers });
}
