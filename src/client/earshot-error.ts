/** What the error body of every refusal holds; see the list of codes in docs/errors.md. */
export interface ErrorBody {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
  readonly request_id: string;
  /** Further members of some codes, such as `cap_usd`. */
  readonly [member: string]: string | null;
}

export interface EarshotErrorOptions {
  /** The HTTP status; null where there was no whole reply. */
  readonly status: number | null;
  readonly body: Partial<ErrorBody>;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  readonly cause?: unknown;
}

/** A call that the server refused, or that did not reach it. An abort is no such error: its own reason is thrown. */
export class EarshotError extends Error {
  override readonly name = 'EarshotError';
  readonly status: number | null;
  /** A code of docs/errors.md; `network_error` without a whole reply, `unexpected_reply` for one that is not earshot's. */
  readonly code: string;
  readonly type: string;
  /** The request's member at fault. */
  readonly param: string | null;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  /** The error object as it came, with the further members of some codes. */
  readonly body: Partial<ErrorBody>;

  constructor({ status, body, requestId, retryAfterSeconds, cause }: EarshotErrorOptions) {
    super(body.message ?? `The server answered ${status} without saying why.`, cause === undefined ? {} : { cause });
    this.status = status;
    this.code = body.code ?? 'unexpected_reply';
    this.type = body.type ?? 'unexpected_reply';
    this.param = body.param ?? null;
    this.requestId = body.request_id ?? requestId;
    this.retryAfterSeconds = retryAfterSeconds;
    this.body = body;
  }
}

export function networkError(cause: unknown): EarshotError {
  const message = 'The server could not be reached, or the connection broke off.';
  const body = { message, code: 'network_error', type: 'network_error' };
  return new EarshotError({ status: null, body, requestId: null, retryAfterSeconds: null, cause });
}

/** The error of a reply that is not 2xx. */
export function errorOfReply(status: number, headers: Headers, text: string): EarshotError {
  const seconds = headers.get('retry-after') ?? '';
  return new EarshotError({
    status,
    body: errorBodyOf(text),
    requestId: headers.get('x-request-id'),
    retryAfterSeconds: /^\d{1,6}$/.test(seconds) ? Number(seconds) : null,
  });
}

/** A proxy may have answered with anything. */
function errorBodyOf(text: string): Partial<ErrorBody> {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'object' && error !== null ? error : {};
  } catch {
    return {};
  }
}
