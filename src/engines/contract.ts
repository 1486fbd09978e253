import type { Logger } from '../core/log.ts';

/** What an engine can do, as facts. What a request asks beyond them becomes a warning, never an error and never silence. */
export interface EngineCapabilities {
  /** ISO 639-1 codes; null means that it takes any language. */
  readonly languages: readonly string[] | null;
  /** The longest piece in seconds. */
  readonly pieceSecondsMax: number;
  readonly prompt: boolean;
  readonly hotwords: boolean;
  readonly timestamps: boolean;
  /** Whether it reports the tokens of its text; otherwise they are estimated by the documented rule. */
  readonly tokenCounts: boolean;
}

/** What a caller knows about its audio; an engine ignores what its capabilities exclude, and the caller is warned. */
export interface Hints {
  readonly language?: string;
  readonly prompt?: string;
  readonly hotwords?: readonly string[];
}

export interface EngineOptions extends Hints {
  /** The most tokens that may be written for this piece; the call's hold was made with it. */
  readonly outputTokensMax: number;
}

export interface EngineText {
  /** Trimmed; empty where there was no speech. */
  readonly text: string;
  /** The engine's own count; undefined where it reports none. */
  readonly outputTokens?: number;
}

/**
 * Turns one piece of speech into text. Weights are loaded once and shared; state lives in the call.
 * `transcribe` takes mono 16 kHz samples in [-1, 1], at most `pieceSecondsMax` long; it rejects with the signal's reason
 * soon after an abort, else with an `AppError` (`engine_failed`, `engine_unavailable`, `engine_timeout`).
 */
export interface Engine {
  /** The name under which it is configured, such as `embedded`. */
  readonly id: string;
  /** The one model that it is; for any other it only stands in. Null where the configuration says which model it serves. */
  readonly model: string | null;
  readonly capabilities: EngineCapabilities;
  /** Pieces that it works on at the same time. */
  readonly concurrency: number;
  /** Whether it would take work now. */
  ready(): boolean;
  transcribe(samples: Float32Array, options: EngineOptions, signal: AbortSignal): Promise<EngineText>;
  close(): Promise<void>;
}

/** What every engine's factory is given. */
export interface EngineServices {
  readonly log: Logger;
}
