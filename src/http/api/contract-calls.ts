/** Logging in, and what an account does each day: the overview, keys, usage, requests and the playground. */
import { z } from 'zod';
import {
  id,
  text,
  usd,
  instant,
  tiers,
  count,
  page,
  account,
  type Role,
  type AccountName,
  type UsageSums,
  nothing,
} from './contract-values.ts';

// Logging in.

/** `POST /api/login` gives a `Me` and sets the cookie. */
export const loginRequest = z.strictObject({ email: text(254), password: z.string().min(1).max(1_000) });
export type LoginRequest = z.infer<typeof loginRequest>;

/** `GET /api/setup?token=…`: whether a one-time link still works, and whether it wants an e-mail address. */
export const setupQuery = z.strictObject({ token: text(200) });
export interface SetupFacts {
  /** Null where the link makes the operator's user and asks for an address. */
  readonly email: string | null;
  readonly role: Role;
  readonly expires_at: string;
}

/** `POST /api/setup` gives a `Me` and sets the cookie. An unknown, used or expired token is `not_found`. */
export const setupRequest = z.strictObject({
  token: text(200),
  password: z.string().min(10, 'must have at least 10 characters').max(1_000),
  email: z.email('must be an e-mail address').max(254).optional(),
});
export type SetupRequest = z.infer<typeof setupRequest>;

/** `GET /api/me`. */
export interface Me {
  readonly user: { readonly user_id: string; readonly email: string };
  readonly role: Role;
  /** Null for an operator. */
  readonly account: AccountName | null;
  readonly version: string;
  /** Where the API is called, without a slash at the end. */
  readonly public_url: string;
  readonly session_expires_at: string;
  /** What a key has that names no limits of its own. */
  readonly default_limits: { readonly requests_per_minute: number; readonly concurrency: number };
  /** What of each call is kept for some days: where its audio came from, and what was said in it. */
  readonly keeps: { readonly urls: boolean; readonly transcripts: boolean; readonly days: number };
}

// 1. The overview.

/** `GET /api/overview`: all of the first screen. */
export const overviewQuery = z.strictObject(account);
export interface Overview {
  /** `2026-07`, UTC; the spending counts from its first moment. */
  readonly month: string;
  readonly resets_at: string;
  readonly spent_usd: string;
  readonly held_usd: string;
  /** The sum of the caps of live wholesale keys; null where one of them has none, or where there is none. */
  readonly cap_usd: string | null;
  /** What the month will come to if it goes on like its last seven days; null before there was a call. */
  readonly forecast_usd: string | null;
  /** Where prepaid, else null. */
  readonly balance_usd: string | null;
  readonly prices: readonly ModelPrice[];
  /** Of the last 24 hours, until now. */
  readonly day: TrafficFacts;
  /** Of this month. */
  readonly month_traffic: TrafficFacts;
  /** Of the last 30 days (UTC), the oldest first; days without calls are left out. */
  readonly cost_by_model: readonly DayCost[];
  readonly cost_by_key: readonly DayCost[];
  /** The newest twenty. */
  readonly recent: readonly RequestRow[];
  readonly engines: readonly EngineHealth[];
  /** How many there are, so that an empty page can say what to do first. */
  readonly live_keys: number;
}

export interface TrafficFacts {
  readonly requests: number;
  readonly errors: number;
  readonly audio_seconds: number;
  /** Of answered calls; null without any. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

export interface DayCost {
  /** `2026-07-24`. */
  readonly day: string;
  /** A model, or the id of a key. */
  readonly group: string;
  /** What the group is called: the model, or the name of the key. */
  readonly label: string;
  readonly requests: number;
  readonly cost_usd: string;
}

export type Price =
  | { readonly input_usd_per_1m: string; readonly output_usd_per_1m: string }
  | { readonly usd_per_second: string };

/** What a model costs now. For an operator who looks at all accounts, `yours` is the list price. */
export interface ModelPrice {
  readonly model: string;
  /** Null for a model without a price. */
  readonly price: {
    readonly list: Price;
    readonly yours: Price;
    readonly discount_bps: number;
    /** The tier that the discount comes from: it holds above so much list spend in the month. Null without one. */
    readonly tier: { readonly above_usd: string; readonly discount_bps: number } | null;
    readonly next_tier: { readonly above_usd: string; readonly discount_bps: number } | null;
    readonly usd_per_minute_of_audio: string;
    readonly list_usd_per_minute_of_audio: string;
  } | null;
}

/** The strip of the overview; owners and viewers see it too. */
export interface EngineHealth {
  readonly engine: string;
  readonly ready: boolean;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly in_flight: number;
  readonly concurrency: number;
}

/**
 * `GET /api/events?account` (server-sent events). `request`: a row, as a call ends. `engines`: an array of
 * `EngineHealth`, when one changes and every 15 s. `overview`: `{}`: sums have changed, load anew (at most every 5 s).
 * `keys`: `{}`: a key was made, changed, rotated or revoked.
 */
export interface DashboardEvents {
  readonly request: RequestRow;
  readonly engines: readonly EngineHealth[];
  readonly overview: Record<string, never>;
  readonly keys: Record<string, never>;
}

// 2. Keys.

export type KeyState = 'live' | 'retiring' | 'expired' | 'revoked';

/** `GET /api/keys`: `q` is a part of the name, of the id or of the last four. */
export const keysQuery = z.strictObject({
  ...page,
  ...account,
  q: z.string().max(200).optional(),
  state: z.enum(['live', 'ended', 'all']).optional(),
  kind: z.enum(['wholesale', 'console']).optional(),
});

export interface KeyRow {
  readonly key_id: string;
  readonly account: AccountName;
  readonly name: string;
  readonly kind: 'wholesale' | 'console';
  readonly last_four: string;
  readonly state: KeyState;
  readonly cap_usd: string | null;
  /** In this month, with the keys that it replaced or was replaced by. */
  readonly spent_usd: string;
  readonly held_usd: string;
  readonly remaining_usd: string | null;
  readonly resets_at: string;
  /** Null takes the default (`Me.default_limits`). */
  readonly requests_per_minute: number | null;
  readonly concurrency: number | null;
  /** Null allows all. */
  readonly allowed_models: readonly string[] | null;
  readonly allowed_addresses: readonly string[] | null;
  readonly tiers: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  /** When the grace time of a rotated key ends. */
  readonly retires_at: string | null;
  readonly revoked_at: string | null;
}

const keyLimits = {
  name: text(200),
  cap_usd: usd.nullable(),
  requests_per_minute: count.nullable(),
  concurrency: count.nullable(),
  allowed_models: z.array(text(100)).max(100).nullable(),
  allowed_addresses: z.array(text(50)).max(100).nullable(),
  expires_at: instant.nullable(),
  tiers,
};

/** `POST /api/keys`; an operator names the account. */
export const createKeyRequest = z.strictObject({
  ...z.strictObject(keyLimits).partial().required({ name: true }).shape,
  kind: z.enum(['wholesale', 'console']),
  account_id: id.optional(),
});
export type CreateKeyRequest = z.infer<typeof createKeyRequest>;

/** The one time that the key's text is sent. */
export interface IssuedKey {
  readonly key: string;
  readonly row: KeyRow;
}

/** `POST /api/keys/{id}` changes what is given; gives the `KeyRow`. Tiers are the operator's to change. */
export const editKeyRequest = z.strictObject(keyLimits).partial();
export type EditKeyRequest = z.infer<typeof editKeyRequest>;

/** `POST /api/keys/{id}/rotate`. */
export const rotateKeyRequest = z.strictObject({
  grace_seconds: z
    .int()
    .min(0)
    .max(30 * 86_400),
});
export interface RotatedKey extends IssuedKey {
  readonly old_key_id: string;
  readonly old_key_expires_at: string;
}

/** `POST /api/keys/{id}/revoke` with `{}` gives the `KeyRow`. */
export const revokeKeyRequest = nothing;

// 3. Usage.

export const USAGE_GROUPINGS = ['day', 'model', 'key'] as const;

/** `GET /api/usage`, and `GET /api/usage.csv` with the same query. Without a range: this month until now. */
export const usageQuery = z.strictObject({
  ...account,
  from: instant.optional(),
  to: instant.optional(),
  group_by: z.enum(USAGE_GROUPINGS).optional(),
  model: z.string().max(100).optional(),
  key: id.optional(),
});

export interface UsageReply {
  readonly from: string;
  readonly to: string;
  readonly group_by: (typeof USAGE_GROUPINGS)[number];
  /** The group is a day, a model or the id of a key; the label is what people call it. */
  readonly data: readonly ({ readonly group: string; readonly label: string } & UsageSums)[];
  /** By day, and within it by model (grouped by day or model) or key: what the chart stacks. */
  readonly days: readonly ({ readonly day: string; readonly group: string; readonly label: string } & UsageSums)[];
  readonly total: UsageSums;
}

// 4. Requests.

/** `GET /api/requests`. `status`: `ok` below 400, `error` from 400. `slow_ms`: took longer than that. */
export const requestsQuery = z.strictObject({
  ...page,
  ...account,
  from: instant.optional(),
  to: instant.optional(),
  status: z.enum(['ok', 'error']).optional(),
  key: id.optional(),
  model: z.string().max(100).optional(),
  engine: z.string().max(100).optional(),
  code: z.string().max(100).optional(),
  slow_ms: z.coerce.number().int().min(0).max(86_400_000).optional(),
  warnings: z.enum(['any']).optional(),
});

export interface RequestRow {
  readonly request_id: string;
  readonly account: AccountName;
  readonly key: { readonly key_id: string; readonly name: string; readonly last_four: string };
  readonly model: string | null;
  readonly engine: string | null;
  readonly status: number;
  readonly code: string | null;
  readonly started_at: string;
  /** From its first to its last step; null where no step was timed. */
  readonly took_ms: number | null;
  readonly audio_seconds: number;
  readonly cost_usd: string;
  /** Codes. */
  readonly warnings: readonly string[];
}

/** `GET /api/requests/{id}`. */
export interface RequestDetail extends RequestRow {
  readonly engines: readonly string[];
  readonly client_request_id: string | null;
  readonly user_id: string | null;
  readonly job_id: string | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly estimated: boolean;
  readonly list_usd: string;
  /** What the error says that the caller saw; null for an answered call. */
  readonly message: string | null;
  /** In the order in which they happen; a step that the call did not come to is null. */
  readonly timeline: Readonly<Record<TimelineStep, number | null>>;
  /** Null for a call that was not charged. */
  readonly charge: ChargeExplained | null;
  /** Null unless the operator turned on that URLs or transcripts are kept. */
  readonly content: { readonly url: string | null; readonly transcript: string | null } | null;
}

export const TIMELINE_STEPS = ['download', 'decode', 'detect', 'queue', 'engine', 'settle'] as const;
export type TimelineStep = (typeof TIMELINE_STEPS)[number];

/** The arithmetic, as `earshot ledger explain` gives it. */
export interface ChargeExplained {
  readonly price_version: number;
  readonly contract: { readonly version: number; readonly discount_bps: number; readonly tiers: string } | null;
  readonly key_terms: { readonly version: number; readonly tiers: string } | null;
  readonly list_spend_before_usd: string | null;
  readonly lines: readonly {
    readonly item: string;
    readonly quantity: number;
    readonly price_usd: string;
    readonly price_quantity: number;
    readonly parts: readonly { readonly list_usd: string; readonly discount_bps: number }[];
    readonly list_usd: string;
    readonly cost_usd: string;
  }[];
  readonly list_usd: string;
  readonly cost_usd: string;
  readonly held_usd: string;
  readonly charged_usd: string;
  readonly matches: boolean;
}

// 5. The playground.

/**
 * `POST /api/playground`: either this as JSON, or a form (`multipart/form-data`) with the file as `file` and the other
 * members as fields (`hotwords` repeated). It runs as a call of that key.
 */
export const playgroundRequest = z.strictObject({
  key_id: id,
  model: text(100),
  audio_url: z.string().min(1).max(2_048).optional(),
  language: z
    .string()
    .regex(/^[a-z]{2}$/, 'must be a language code of ISO 639-1 such as "en"')
    .optional(),
  prompt: z.string().max(8_000).optional(),
  hotwords: z.array(text(200)).max(100).optional(),
});
export type PlaygroundRequest = z.infer<typeof playgroundRequest>;

export interface PlaygroundReply {
  readonly request_id: string;
  readonly model: string;
  readonly engine: string;
  readonly engines: readonly string[];
  readonly text: string;
  readonly segments: readonly Segment[];
  /** The pieces of speech that were cut and sent to engines. */
  readonly pieces: readonly { readonly start: number; readonly end: number }[];
  /** The loudest moment of each of at most 1,000 equal parts, 0 to 1; null where it isn't known. */
  readonly peaks: readonly number[] | null;
  /**
   * What was heard of a recording given by URL, as a WAV file in base64: a page loads nothing from elsewhere. Null for an
   * upload, which the page has, and for more than five minutes.
   */
  readonly wav: string | null;
  readonly duration_seconds: number;
  readonly took_ms: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly estimated: boolean;
  readonly cost_usd: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** The subtitles, ready to be kept. */
  readonly srt: string;
  readonly vtt: string;
  /** The body that the same call to `/v1/run` would have got. */
  readonly json: unknown;
}

/** In seconds. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}
