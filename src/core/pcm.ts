/** Every step after decoding works on this rate, mono. */
export const SAMPLE_RATE_HZ = 16_000;

/** Samples of one speech-detection frame (32 ms). */
export const FRAME_SAMPLES = 512;

/** The stretch from the first to the last place where audio is missing; offsets in samples of what there is. */
export interface Damage {
  readonly start: number;
  readonly end: number;
}

/**
 * A handle on decoded audio, mono at 16 kHz. The samples lie in a file, since four hours of them don't belong into memory;
 * whoever holds the handle disposes it, and the file is gone.
 */
export interface Pcm extends AsyncDisposable {
  readonly sampleCount: number;
  /** Exact decoded length in milliseconds, rounded up to a whole one. This is what is metered. */
  readonly durationMs: number;
  /** Where some of it could not be decoded; missing or null where all of it could. */
  readonly damage?: Damage | null;
  /** Samples `start` (inclusive) to `end` (exclusive) in [-1, 1]. */
  read(start: number, end: number): Promise<Float32Array>;
}

/** One value for each frame of 512 samples; the last frame may be short. */
export interface SpeechFrames {
  /** Speech probability in [0, 1]. */
  readonly probabilities: Float32Array;
  /** Level (root mean square) in dBFS, -120 for digital silence. */
  readonly levelsDb: Float32Array;
}

/** A stretch of speech, in samples: `start` inclusive, `end` exclusive. */
export interface SpeechRegion {
  readonly start: number;
  readonly end: number;
}

/** A stretch of audio that goes to an engine in one go, at most 28 s; offsets in samples of the decoded audio. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  /** Whether the piece's end was cut where there was no pause, so that a word may run across it. */
  readonly forcedEnd: boolean;
  /** The speech in it, in order; between two regions is a pause. */
  readonly speech: readonly SpeechRegion[];
}

export function samplesToMs(samples: number): number {
  return Math.ceil((samples * 1000) / SAMPLE_RATE_HZ);
}
