/** Requests and replies as they travel: the names are those of the HTTP API. */
import type { ErrorBody } from './earshot-error.ts';

export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly param?: string;
  /** Seconds. */
  readonly start?: number;
  readonly end?: number;
}

export interface Segment {
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface TokenUsage {
  readonly type: 'tokens';
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
  readonly input_token_details: { readonly audio_tokens: number; readonly text_tokens: number };
  /** Whether the output tokens were counted by the server, because the engine reports none. */
  readonly estimated: boolean;
}

/** What every door says of a transcript. */
interface Answered {
  readonly text: string;
  /** `req_…`: what the charge is found by. */
  readonly id: string;
  readonly model: string;
  readonly engine: string;
  readonly usage: TokenUsage;
  /** Decimal US dollars. */
  readonly cost_usd: string;
  readonly warnings: readonly Warning[];
}

export interface RunRequest {
  readonly model: string;
  readonly inputs: {
    /** An http or https URL, or `data:audio/…;base64,`. */
    readonly audio: string;
    /** ISO 639-1. */
    readonly language?: string;
    readonly prompt?: string;
    readonly hotwords?: readonly string[];
    readonly timestamps?: 'none' | 'segment';
  };
  readonly request_id?: string;
  readonly user_id?: string;
}

export interface RunReply extends Answered {
  readonly engines: readonly string[];
  readonly duration_seconds: number;
  readonly client_request_id?: string;
  readonly segments?: readonly Segment[];
}

export interface UploadRequest {
  readonly model: string;
  /** A `Blob` or `File` can be sent again where that makes sense; a stream cannot. */
  readonly file: Blob | ReadableStream<Uint8Array>;
  readonly language?: string;
  readonly prompt?: string;
  readonly keywords?: readonly string[];
}

export type UploadFormat = 'json' | 'text' | 'srt' | 'vtt' | 'verbose_json';

export type Transcription = Answered;

export interface VerboseTranscription extends Answered {
  readonly task: 'transcribe';
  readonly language: string | null;
  /** Seconds. */
  readonly duration: number;
  readonly segments: readonly (Segment & { readonly id: number; readonly compression_ratio: number })[];
}

/** What `upload` gives for a format. */
export type UploadReply<Format extends UploadFormat> = Format extends 'json'
  ? Transcription
  : Format extends 'verbose_json'
    ? VerboseTranscription
    : string;

export interface JobRequest extends RunRequest {
  /** Gets the ended job by a signed POST. */
  readonly webhook_url?: string;
}

export interface AcceptedJob {
  readonly status: 'accepted';
  readonly job_id: string;
  readonly poll_url: string;
  readonly model: string;
}

export type JobStatus = 'queued' | 'running' | 'completed' | 'failed' | 'canceled';

/** An entry of the list: without the result. */
export interface JobEntry {
  readonly job_id: string;
  readonly status: JobStatus;
  readonly model: string;
  readonly error: ErrorBody | null;
  readonly created_at: string;
  readonly completed_at: string | null;
}

export interface Job extends JobEntry {
  readonly result: RunReply | null;
}

export interface JobList {
  /** The newest first. */
  readonly data: readonly JobEntry[];
  readonly has_more: boolean;
}

export type Price =
  | { readonly input_usd_per_1m: string; readonly output_usd_per_1m: string }
  | { readonly usd_per_second: string };

export interface Model {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly type: 'speech-to-text';
  readonly engines: readonly string[];
  /** Null for a model without a price. */
  readonly pricing: {
    readonly list: Price;
    readonly discount_bps: number;
    readonly yours: Price;
    readonly usd_per_minute_of_audio: string;
  } | null;
  readonly limits: { readonly audio_seconds: number; readonly file_bytes: number };
}

export interface ModelList {
  readonly object: 'list';
  readonly data: readonly Model[];
  readonly count: number;
  readonly available_types: readonly string[];
}

export interface KeyStatus {
  readonly key_id: string;
  readonly name: string | null;
  readonly kind: 'wholesale' | 'console';
  readonly account_id: string;
  readonly cap_usd: string | null;
  readonly spent_usd: string;
  readonly held_usd: string;
  readonly remaining_usd: string | null;
  readonly resets_at: string;
  readonly requests_per_minute: number | null;
  readonly concurrency: number | null;
  readonly expires_at: string | null;
}

export interface UsageQuery {
  /** A date, or a time with its zone, in ISO 8601. */
  readonly from?: string;
  readonly to?: string;
  readonly group_by?: 'day' | 'model' | 'key';
}

export interface UsageSums {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly list_usd: string;
  readonly cost_usd: string;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  readonly group_by: 'day' | 'model' | 'key';
  readonly data: readonly (UsageSums & { readonly group: string })[];
  readonly total: UsageSums;
}
