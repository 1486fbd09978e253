/** What the server and its decoder process say to each other. */
import { AppError } from '../../core/errors.ts';
import type { Damage } from '../../core/pcm.ts';

/** One file to decode. */
export interface DecodeJob {
  /** The file to read; it may still be growing. */
  readonly sourcePath: string;
  /** The file to create, for signed 16-bit little-endian samples, mono at 16 kHz. */
  readonly pcmPath: string;
  /** Decoded seconds above which the audio is refused. */
  readonly audioSecondsMax: number;
}

/** Sent to a running job at its start and whenever the source has grown. */
export interface Growth {
  readonly bytesAvailable: number;
  /** Whether that is all of it. */
  readonly ended: boolean;
}

/** Sent by a running job once both files are open on its side: from then on nobody needs their names. */
export const FILES_OPEN = 'files-open';

/** Sent by a running job after every few seconds of decoded audio. */
export const PROGRESS = 'progress';

export interface DecodeResult {
  readonly sampleCount: number;
  readonly format: AudioFormat;
  readonly damage: Damage | null;
  readonly probabilities: Float32Array;
  readonly levelsDb: Float32Array;
  /** How much of the time went into speech detection. */
  readonly detectMs: number;
}

/** What the container is, as recognised by its first bytes. */
export type AudioFormat = 'wav' | 'aiff' | 'mp3' | 'aac' | 'mp4' | 'ogg' | 'flac' | 'webm';

/** The request's member that every refusal of the audio itself names. */
const PARAM = 'inputs.audio';

export function notDecodable(detail: string, cause?: unknown): AppError {
  return new AppError('audio_not_decodable', { param: PARAM, detail, cause });
}

export function noAudioStream(detail: string): AppError {
  return new AppError('no_audio_stream', { param: PARAM, detail });
}

export function tooLong(secondsMax: number): AppError {
  return new AppError('audio_too_long', {
    param: PARAM,
    message: `The audio is longer than ${secondsMax} seconds, the most that is accepted. Split it.`,
  });
}

/** `message` replaces the public sentence where more can be said than that the format is unknown. */
export function unsupportedFormat(detail: string, message?: string): AppError {
  return new AppError('unsupported_audio_format', {
    param: PARAM,
    detail,
    ...(message === undefined ? {} : { message }),
  });
}
