/** Something that the caller should know about a reply that is otherwise good. Times in seconds. */
export interface Warning {
  readonly code:
    | 'stand_in_engine'
    | 'audio_damaged'
    | 'text_suspect'
    | 'timestamps_from_speech_regions'
    | 'prompt_not_supported'
    | 'hotwords_not_supported'
    | 'hotwords_untrained'
    | 'language_not_supported'
    | 'parameter_not_supported'
    | 'parameter_unknown';
  readonly message: string;
  readonly param?: string;
  readonly start?: number;
  readonly end?: number;
}

/** A stretch of the recording with what is said in it. Times in seconds of the recording, to the millisecond. */
export interface TranscriptSegment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What the engines made of one recording, joined. Silence is an empty text, not an error. */
export interface Transcript {
  readonly text: string;
  /** Where they were asked for: in order of time, none reaching into another; their texts, joined, are the text. */
  readonly segments?: readonly TranscriptSegment[];
  /** The engine that gave most of the text; where there was no speech, the one that would have. */
  readonly engine: string;
  /** All engines that gave some of it, in the order of the model's list. */
  readonly engines: readonly string[];
  /** Tokens of the delivered text. */
  readonly outputTokens: number;
  /** Whether `outputTokens` was counted by our rule because an engine reports none. */
  readonly estimated: boolean;
  readonly warnings: readonly Warning[];
}

/** What a call is metered by: exact, from decoded samples. */
export interface Usage {
  /** Decoded length in whole milliseconds. */
  readonly durationMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly estimated: boolean;
}
