/**
 * Why a guarded fetch was refused, in the words of the fetch itself. What a caller is told (an audio URL, a webhook) is
 * decided by whoever asked for it.
 *
 * - `url_invalid`: not an absolute URL, or too long.
 * - `url_not_allowed`: a URL or an address that must not be reached. Never say which of the rules it was.
 * - `failed`: the name, the connection, the answer or the body is broken.
 * - `timeout`: one of the deadlines has passed, or the bytes come too slowly.
 * - `too_large`: more bytes than are accepted.
 */
export type FetchErrorKind = 'url_invalid' | 'url_not_allowed' | 'failed' | 'timeout' | 'too_large';

/** The message is for the log only; it never holds a path or a query. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly kind: FetchErrorKind;

  constructor(kind: FetchErrorKind, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** Wraps what Node's network code throws; a `FetchError` stays itself. */
export function networkError(stage: string, error: unknown): FetchError {
  if (error instanceof FetchError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new FetchError('failed', `${stage}: ${code}`);
}
