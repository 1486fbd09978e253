/** One method of one path, as the document describes it. Beside each route stand its operations. */
import type { z } from 'zod';
import type { ErrorCode } from '../../core/errors.ts';

export interface Reply {
  readonly description: string;
  readonly headers?: readonly HeaderName[];
  /** Content type → what the body is. */
  readonly content: Readonly<Record<string, Content>>;
}

/** JSON, text, or server-sent events with JSON in them. */
export type Content =
  | z.ZodType
  | { readonly plain: Readonly<Record<string, unknown>> }
  | { readonly events: readonly z.ZodType[] };

export interface RequestBody {
  readonly contentType: 'application/json' | 'multipart/form-data';
  readonly schema: z.ZodType;
  /** Multipart only: the part that is a file, and the fields that may stand there several times. */
  readonly file?: string;
  readonly lists?: ReadonlySet<string>;
  readonly example: Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  readonly who: 'key' | 'anyone' | 'operator';
  readonly pathParameters?: Readonly<Record<string, { readonly description: string; readonly example: string }>>;
  readonly query?: z.ZodObject;
  readonly idempotent?: boolean;
  readonly body?: RequestBody;
  readonly replies: Readonly<Record<number, Reply>>;
  /** Headers of every reply, errors too. */
  readonly headers?: readonly HeaderName[];
  readonly errors: readonly ErrorCode[];
  readonly deprecated?: boolean;
}

export type Tag = 'Transcription' | 'Jobs' | 'Account' | 'Server';

export type HeaderName = keyof typeof HEADERS;

/** All headers of replies that mean something. */
export const HEADERS = {
  'x-request-id': { description: 'The id of this request. Quote it when you ask for help.', type: 'string' },
  'x-earshot-engine': { description: 'The engine that gave most of the text.', type: 'string' },
  'x-earshot-warnings': {
    description: 'The codes of the warnings, where the format has no place for them.',
    type: 'string',
  },
  'x-ratelimit-limit-requests': { description: 'Requests a minute that the key may make.', type: 'integer' },
  'x-ratelimit-remaining-requests': { description: 'How many of them are left.', type: 'integer' },
  'x-ratelimit-reset-requests': { description: 'When all of them are there again, such as `12s`.', type: 'string' },
  'retry-after': { description: 'Seconds after which another try makes sense.', type: 'integer' },
  'www-authenticate': { description: '`Bearer`.', type: 'string' },
} as const;

export const RATE_LIMIT_HEADERS = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
] as const satisfies readonly HeaderName[];

/** Whatever a key opens can be refused with these. */
export const KEY_ERRORS = [
  'invalid_parameter',
  'missing_authorization',
  'invalid_api_key',
  'ip_not_allowed',
  'internal_error',
] as const satisfies readonly ErrorCode[];

/** What any way to a transcript can end in, once the caller is known. */
export const TRANSCRIBE_ERRORS = [
  ...KEY_ERRORS,
  'wholesale_key_required',
  'monthly_cap_reached',
  'insufficient_balance',
  'model_not_allowed',
  'model_not_found',
  'idempotency_in_progress',
  'audio_too_large',
  'unsupported_media_type',
  'unsupported_audio_format',
  'audio_not_decodable',
  'no_audio_stream',
  'audio_too_long',
  'idempotency_key_reused',
  'rate_limited',
  'concurrency_limited',
  'engine_failed',
  'overloaded',
  'engine_unavailable',
  'shutting_down',
  'engine_timeout',
] as const satisfies readonly ErrorCode[];
