import { AppError, type AppErrorOptions, type ErrorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';

/** What an engine can do, as facts. What a request asks beyond them becomes a warning, never an error and never silence. */
export interface EngineCapabilities {
  /** ISO 639-1 codes; null means that it takes any language. */
  readonly languages: readonly string[] | null;
  /** The longest piece in seconds. */
  readonly pieceSecondsMax: number;
  readonly prompt: boolean;
  readonly hotwords: boolean;
  /** Whether it takes hotwords without ever having been trained for them; the caller is warned. */
  readonly hotwordsUntrained?: boolean;
  readonly timestamps: boolean;
  /** Whether it reports the tokens of its text; otherwise they are estimated by the documented rule. */
  readonly tokenCounts: boolean;
}

/** What a caller knows about its audio; an engine ignores what its capabilities exclude, and the caller is warned. */
export interface Hints {
  /** ISO 639-1. */
  readonly language?: string;
  readonly prompt?: string;
  readonly hotwords?: readonly string[];
}

export interface EngineOptions extends Hints {
  /** The most tokens that may be written for this piece; the call's hold was made with it. */
  readonly outputTokensMax: number;
  /** The caller's own user, for a vendor that wants to know; 6 to 128 characters. */
  readonly userId?: string;
}

/** A stretch of a piece with its text, in seconds from the piece's first sample. */
export interface EngineSegment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface EngineText {
  /** Trimmed; empty where there was no speech. */
  readonly text: string;
  /** The engine's own count; undefined where it reports none. */
  readonly outputTokens?: number;
  /** Whether the text ends before the speech: no more tokens were allowed, or the engine was caught in a loop. */
  readonly truncated?: boolean;
  /** In order of time; only from an engine with timestamps. */
  readonly segments?: readonly EngineSegment[];
}

/** What an engine with weights of its own has loaded, for operators. */
export interface EngineDescription {
  readonly model: string;
  /** In words, such as `encoder int8, decoder int4, head int8`. */
  readonly quantization: string;
  /** Of the files. */
  readonly weightBytes: number;
  /** The most memory that one of its processes was seen to hold; null before the first piece. */
  readonly residentBytes: number | null;
}

/**
 * Turns one piece of speech into text. Weights are loaded once and shared; state lives in the call.
 * `transcribe` takes mono 16 kHz samples in [-1, 1], at most `pieceSecondsMax` long; it makes one attempt. It rejects with
 * the signal's reason soon after an abort, else with an `EngineError`, or another `AppError` that counts as `failed`.
 */
export interface Engine {
  /** The name under which it is configured, such as `embedded`. */
  readonly id: string;
  /** The one model that it is; for any other it only stands in. Null where the configuration says which model it serves. */
  readonly model: string | null;
  readonly capabilities: EngineCapabilities;
  /** Pieces that it works on at the same time. An engine that is told to slow down may lower it for a while. */
  readonly concurrency: number;
  /**
   * Short pieces that it takes beyond those, of calls of which it has none: they slow the others down for a while instead
   * of waiting for the end of one. None where it is left out.
   */
  readonly headroom?: number;
  /** Whether it would take work now. */
  ready(): boolean;
  /** What it has loaded; null, or left out, where it loads nothing. */
  describe?(): EngineDescription | null;
  transcribe(samples: Float32Array, options: EngineOptions, signal: AbortSignal): Promise<EngineText>;
  close(): Promise<void>;
}

/** What every engine's factory is given. */
export interface EngineServices {
  readonly log: Logger;
}

/** Why an attempt gave no text, as far as it matters for what to do next. */
export type EngineFault =
  /** Too much at once: the same engine will do after a while. */
  | 'busy'
  /** This attempt failed: another may not. */
  | 'failed'
  /** It won't take this piece, whoever asks again; another engine may. */
  | 'refused'
  /** It serves nobody until its operator has mended something: its key, its balance, the name of its model. */
  | 'unavailable';

const CODES: Readonly<Record<EngineFault, ErrorCode>> = {
  busy: 'engine_unavailable',
  failed: 'engine_failed',
  refused: 'engine_failed',
  unavailable: 'engine_unavailable',
};

export interface EngineErrorOptions extends Pick<AppErrorOptions, 'detail' | 'cause'> {
  /** How long the engine asked to be left alone. */
  readonly retryAfterMs?: number;
  /** `engine_timeout` for an attempt that took too long; otherwise it follows from the fault. */
  readonly code?: ErrorCode;
}

/** One attempt that gave no text. What a vendor said belongs into `detail`, which callers never see. */
export class EngineError extends AppError {
  readonly fault: EngineFault;
  /** Undefined where the engine did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(fault: EngineFault, { retryAfterMs, code = CODES[fault], ...options }: EngineErrorOptions = {}) {
    super(code, {
      ...options,
      ...(retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1000) }),
    });
    this.fault = fault;
    this.retryAfterMs = retryAfterMs;
  }
}
