/**
 * The share of the machine that jobs may take, so that calls that somebody waits for find room: one decoder stays free of
 * them, and so does half of the queue in front of the engines.
 */
import { AppError } from '../core/errors.ts';
import { SAMPLE_RATE_HZ, type Piece } from '../core/pcm.ts';
import { createPlaces } from '../core/places.ts';
import type { Services } from '../transcribe/transcribe.ts';

export interface BackgroundLimits {
  /** Jobs that decode at a time. */
  readonly decodersMax: number;
  /** Seconds of speech that wait or are worked on, of jobs and of others, beyond which no job enters the queue. */
  readonly queuedSecondsMax: number;
  queuedSeconds(): number;
}

const RETRY_SECONDS = 10;

export function inBackground(services: Services, limits: BackgroundLimits): Services {
  const decoders = createPlaces(limits.decodersMax);
  return {
    ...services,
    decoder: {
      ...services.decoder,
      async decode(source, signal) {
        using _place = await decoders.take(signal);
        return await services.decoder.decode(source, signal);
      },
    },
    recognizer: {
      ...services.recognizer,
      enter(keyId, pieces) {
        const queued = limits.queuedSeconds();
        // A queue that is empty takes a job of any length, as it takes a call.
        if (queued > 0 && queued + secondsOf(pieces) > limits.queuedSecondsMax) {
          throw new AppError('overloaded', { detail: 'no room for a job', retryAfterSeconds: RETRY_SECONDS });
        }
        return services.recognizer.enter(keyId, pieces);
      },
    },
  };
}

function secondsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { start, end }) => sum + end - start, 0) / SAMPLE_RATE_HZ;
}
