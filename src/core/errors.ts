/**
 * The one table of errors: every refusal that a caller can see has its row here, with the HTTP status, the type and the
 * public sentence. `docs/errors.md` and the HTTP layer are checked against it by tests.
 */

/** One row of the table. `message` is public: it says what to do, and names nothing of the inside. */
interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** Seconds after which another try makes sense; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

const REQUEST = 'invalid_request_error';

export const ERRORS = {
  invalid_json: row(400, REQUEST, 'The body is not valid JSON. Send one JSON object.'),
  invalid_parameter: row(400, REQUEST, 'A parameter has a value that is not accepted.'),
  unknown_parameter: row(
    400,
    REQUEST,
    'The request has a parameter that this endpoint does not know. Remove it or correct its name.',
  ),
  streaming_not_supported: row(
    400,
    REQUEST,
    'This endpoint answers in one reply and does not stream. Leave `stream` out.',
  ),
  audio_url_invalid: row(
    400,
    REQUEST,
    'The audio URL cannot be read as an http or https URL of at most 2,048 characters. Correct it.',
  ),
  audio_url_not_allowed: row(
    400,
    REQUEST,
    'The audio URL points to an address that is not allowed. Use a public http or https URL on its default port.',
  ),
  missing_authorization: row(
    401,
    'authentication_error',
    'No key was sent. Send `Authorization: Bearer KEY` or `x-api-key: KEY`.',
  ),
  invalid_api_key: row(
    401,
    'authentication_error',
    'The key is not valid: unknown, revoked or expired. Check it or create a new one.',
  ),
  wholesale_key_required: row(
    401,
    'authentication_error',
    'This endpoint needs a wholesale key (`esw_…`); a console key cannot transcribe.',
  ),
  session_required: row(401, 'authentication_error', 'Log in first: this page needs a session.'),
  login_failed: row(401, 'authentication_error', 'The e-mail address or the password is wrong.'),
  monthly_cap_reached: row(
    402,
    'insufficient_balance',
    'The monthly cap of this key would be exceeded. Raise the cap or wait until it resets.',
  ),
  insufficient_balance: row(
    402,
    'insufficient_balance',
    'The balance of this account does not cover the call. Add credit.',
  ),
  model_not_allowed: row(403, 'permission_error', 'This key may not use the model. Choose one that it allows.'),
  ip_not_allowed: row(403, 'permission_error', 'This key may not be used from this address.'),
  role_not_allowed: row(403, 'permission_error', 'Your role does not allow this.'),
  cross_site_request: row(403, 'permission_error', 'The request came from another site and was refused.'),
  model_not_found: row(
    404,
    REQUEST,
    'There is no such model here. Name one that this server offers, such as `glm/glm-asr-2512`.',
  ),
  not_found: row(404, REQUEST, 'There is nothing at this address.'),
  method_not_allowed: row(
    405,
    REQUEST,
    'This address does not take that method; the `Allow` header lists the ones it takes.',
  ),
  idempotency_in_progress: row(
    409,
    'idempotency_error',
    'A call with this Idempotency-Key is still running. Try again shortly.',
    1,
  ),
  conflict: row(409, 'conflict_error', 'The thing was changed meanwhile. Load it again and repeat.'),
  job_not_cancelable: row(409, 'conflict_error', 'The job has already ended and cannot be canceled.'),
  body_too_large: row(413, REQUEST, 'The request body is too large.'),
  audio_too_large: row(
    413,
    REQUEST,
    'The audio has more bytes than are accepted. Send a smaller or better compressed file.',
  ),
  unsupported_media_type: row(
    415,
    REQUEST,
    'The request has a Content-Type that is not accepted. Send application/json.',
  ),
  unsupported_audio_format: row(
    415,
    REQUEST,
    'The file is not audio in a known format. Send wav, mp3, m4a, ogg, flac or webm.',
  ),
  audio_download_failed: row(
    422,
    REQUEST,
    'The audio could not be downloaded. Check that the URL answers 200 with the file itself.',
  ),
  audio_download_timeout: row(
    422,
    REQUEST,
    'The audio took too long to download. Serve it faster, or send a smaller file.',
  ),
  audio_not_decodable: row(
    422,
    REQUEST,
    'The audio is damaged or uses an encoding that cannot be decoded. Export it again, for example as wav or mp3.',
  ),
  no_audio_stream: row(422, REQUEST, 'The file holds no audio track. Send a file with sound.'),
  audio_too_long: row(422, REQUEST, 'The audio is longer than is accepted. Split it.'),
  idempotency_key_reused: row(
    422,
    REQUEST,
    'This Idempotency-Key was used for a different request. Use a new one for each request.',
  ),
  rate_limited: row(429, 'rate_limit_error', 'This key has made too many requests in a minute. Wait and try again.', 1),
  concurrency_limited: row(
    429,
    'rate_limit_error',
    'This key has too many calls in flight. Wait until one ends and try again.',
    1,
  ),
  internal_error: row(
    500,
    'internal_error',
    'Something went wrong here. The call was not charged; try again, and report the request id if it stays.',
  ),
  engine_failed: row(
    502,
    'engine_error',
    'The engine could not transcribe the audio. The call was not charged; try again.',
  ),
  overloaded: row(503, 'overloaded_error', 'The server has as much audio waiting as it accepts. Try again later.', 5),
  engine_unavailable: row(
    503,
    'overloaded_error',
    'No engine for this model is available at the moment. Try again later or choose another model.',
    30,
  ),
  shutting_down: row(503, 'overloaded_error', 'The server is shutting down. Try again.', 5),
  engine_timeout: row(
    504,
    'engine_error',
    'The call took longer than is allowed and was stopped. It was not charged; try again or send less audio.',
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** What an `AppError` may carry beside its code. `detail` is for the log only; all else is sent to the caller. */
export interface AppErrorOptions {
  /** The request's member at fault, as the caller wrote it (`inputs.audio`). */
  readonly param?: string;
  /** A more exact public sentence than the table's. Never put an address, a path or another's words into it. */
  readonly message?: string;
  /** For the log: what happened inside. Never sent. */
  readonly detail?: string;
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
  /** Further public members of the error object, such as `cap_usd`. */
  readonly members?: Readonly<Record<string, string | null>>;
}

/** An operating error with a row in the table: it ends the request, and the HTTP layer renders it once. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly members: Readonly<Record<string, string | null>>;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const found: ErrorRow = ERRORS[code];
    super(options.message ?? found.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = found.status;
    this.type = found.type;
    this.param = options.param ?? null;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds ?? found.retryAfterSeconds;
    this.members = options.members ?? {};
  }
}

/** The reason of an abort when the caller closed the connection: there is nobody left to answer. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
  constructor() {
    super('The caller closed the connection.');
  }
}

/** How a failed call ends in the records: a row of the table; a bug is `internal_error`; a caller that left has 499. */
export function outcomeOf(error: unknown): { readonly status: number; readonly code: string } {
  if (error instanceof AppError) return { status: error.status, code: error.code };
  if (error instanceof CallerGone) return { status: 499, code: 'caller_gone' };
  return { status: ERRORS.internal_error.status, code: 'internal_error' };
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

/** What a caller sees of an error. */
export interface PublicError {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
  readonly request_id: string;
  readonly [member: string]: string | null;
}

export function publicError(error: AppError, requestId: string): PublicError {
  return {
    message: error.message,
    type: error.type,
    code: error.code,
    param: error.param,
    request_id: requestId,
    ...error.members,
  };
}

/** For states that cannot occur: a failed assertion is a bug and ends as `internal_error`. */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${sentence}`);
}

function row(status: number, type: string, message: string, retryAfterSeconds?: number): ErrorRow {
  return retryAfterSeconds === undefined ? { status, type, message } : { status, type, message, retryAfterSeconds };
}
