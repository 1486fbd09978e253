/** What the encoder hears: the logarithm of the power in mel bands, a column for each hundredth of a second. */
import { assert } from '../../../core/errors.ts';
import { SAMPLE_RATE_HZ } from '../../../core/pcm.ts';
import { createPowerSpectra } from './fft.ts';
import { HOP_SAMPLES } from './length.ts';
import { melFilters } from './mel-filters.ts';

export interface LogMel {
  readonly bands: number;
  readonly frames: number;
  /** `bands` rows of `frames` values. */
  readonly data: Float32Array;
}

/** Fills the samples with silence to `windowSamples`, a multiple of the hop, and gives a column for each hop. */
export type ExtractLogMel = (samples: Float32Array, windowSamples: number) => LogMel;

export interface LogMelOptions {
  readonly bands: number;
  /** Samples of a frame that the transform takes. The model was trained with 400: more would be filled with zeros. */
  readonly transformSamples?: number;
}

const FRAME_SAMPLES = 400;
const POWER_MIN = 1e-10;
/** In powers of ten below the loudest value of the window. */
const RANGE = 8;

export function createLogMel({ bands, transformSamples = FRAME_SAMPLES }: LogMelOptions): ExtractLogMel {
  const filters = melFilters(bands, transformSamples, SAMPLE_RATE_HZ);
  const spectra = createPowerSpectra(transformSamples);
  const hann = Float64Array.from(
    { length: FRAME_SAMPLES },
    (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / FRAME_SAMPLES),
  );
  const frame = [new Float64Array(transformSamples), new Float64Array(transformSamples)] as const;
  const power = [new Float64Array(transformSamples / 2 + 1), new Float64Array(transformSamples / 2 + 1)] as const;

  /** Copies the frame around its middle, weighted; false where all of it is silence. */
  function take(samples: Float32Array, windowSamples: number, middle: number, into: Float64Array): boolean {
    const start = middle - FRAME_SAMPLES / 2;
    if (start >= samples.length && middle + FRAME_SAMPLES / 2 <= windowSamples) return false;
    for (let index = 0; index < FRAME_SAMPLES; index += 1) {
      const at = mirrored(start + index, windowSamples);
      into[index] = (samples[at] ?? 0) * (hann[index] ?? 0);
    }
    return true;
  }

  return (samples, windowSamples) => {
    assert(samples.length <= windowSamples, 'the window holds all samples');
    const frames = windowSamples / HOP_SAMPLES;
    const data = new Float32Array(bands * frames).fill(Math.log10(POWER_MIN));
    for (let column = 0; column < frames; column += 2) {
      const heard = [0, 1].map((index) =>
        take(samples, windowSamples, (column + index) * HOP_SAMPLES, index === 0 ? frame[0] : frame[1]),
      );
      if (!heard.includes(true)) continue;
      for (const index of [0, 1] as const) if (heard[index] === false) frame[index].fill(0);
      spectra(frame[0], frame[1], power[0], power[1]);
      for (const index of [0, 1] as const) {
        if (column + index >= frames) continue;
        filters.forEach(({ firstBin, weights }, band) => {
          let sum = 0;
          for (let bin = 0; bin < weights.length; bin += 1)
            sum += (weights[bin] as number) * (power[index][firstBin + bin] as number);
          data[band * frames + column + index] = Math.log10(Math.max(sum, POWER_MIN));
        });
      }
    }
    return { bands, frames, data: compressed(data) };
  };
}

/** Where a sample before the beginning or after the end is mirrored to. */
function mirrored(at: number, windowSamples: number): number {
  if (at < 0) return -at;
  return at < windowSamples ? at : 2 * (windowSamples - 1) - at;
}

/** Lifts what is far below the loudest value, and scales to about -1 to 1. */
function compressed(data: Float32Array): Float32Array {
  let highest = -Infinity;
  for (const value of data) highest = Math.max(highest, value);
  for (let index = 0; index < data.length; index += 1) {
    data[index] = (Math.max(data[index] ?? 0, highest - RANGE) + 4) / 4;
  }
  return data;
}
