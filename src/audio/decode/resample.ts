/** Band-limited resampling to 16 kHz: one sharp filter, with a set of coefficients for each place between two samples. */
import { SAMPLE_RATE_HZ } from '../../core/pcm.ts';
import { createFilterKernel, type FilterKernel } from './filter-kernel.ts';

/** Attenuation of what would fold back into the audible band. */
const STOP_BAND_DB = 70;
/** Where the pass band ends, as a share of half the lower of the two rates; the stop band begins at that half. */
const PASS_BAND_END = 0.875;
/** Places between two samples at most. With so many, the rounded ratio of two odd rates is off by a millisecond an hour. */
const PHASES_MAX = 1000;
/** Samples that are filtered in one go. */
const CHUNK_SAMPLES = 8192;
/** The kernel takes eight coefficients at a time. */
const TAPS_TOGETHER = 8;
const SAMPLE_BYTES = 4;

export interface Resampler {
  /** What can be given of the audio so far; valid until the next call. */
  push(samples: Float32Array): Float32Array;
  /** The rest: all pushes and this one together have the length of the audio, rounded to a sample. */
  finish(): Float32Array;
}

export function createResampler(sampleRateHz: number): Resampler {
  if (sampleRateHz === SAMPLE_RATE_HZ) return { push: (samples) => samples, finish: () => new Float32Array(0) };
  return new PolyphaseResampler(sampleRateHz);
}

class PolyphaseResampler implements Resampler {
  readonly #sampleRateHz: number;
  readonly #phaseCount: number;
  /** How far one output sample moves on, in parts of `phaseCount`. */
  readonly #advance: number;
  readonly #tapCount: number;
  readonly #kernel: FilterKernel;
  /** Offsets in the kernel's memory, in samples; the taps lie at its start. */
  readonly #dataStart: number;
  readonly #outStart: number;
  /** Samples that lie there waiting; before the first lie zeros. */
  #held: number;
  /** Place of the next output sample behind the first held one, in parts of `phaseCount`. */
  #phase = 0;
  #taken = 0;
  #given = 0;

  constructor(sampleRateHz: number) {
    const [advance, phaseCount] = ratio(sampleRateHz / SAMPLE_RATE_HZ, PHASES_MAX);
    const half = Math.min(sampleRateHz, SAMPLE_RATE_HZ) / 2 / sampleRateHz;
    const length = kaiserLength(half * (1 - PASS_BAND_END));
    this.#sampleRateHz = sampleRateHz;
    this.#advance = advance;
    this.#phaseCount = phaseCount;
    this.#tapCount = TAPS_TOGETHER * Math.ceil(length / TAPS_TOGETHER);
    this.#dataStart = phaseCount * this.#tapCount;
    this.#outStart = this.#dataStart + this.#tapCount + CHUNK_SAMPLES;
    const outLength = Math.ceil(((this.#tapCount + CHUNK_SAMPLES) * phaseCount) / advance) + 1;
    this.#kernel = createFilterKernel((this.#outStart + outLength) * SAMPLE_BYTES);
    writeTaps(this.#kernel.memory, phaseCount, this.#tapCount, (half * (1 + PASS_BAND_END)) / 2);
    this.#held = this.#tapCount / 2 - 1;
  }

  push(samples: Float32Array): Float32Array {
    this.#taken += samples.length;
    const results: Float32Array[] = [];
    for (let start = 0; start < samples.length; start += CHUNK_SAMPLES) {
      results.push(this.#filter(samples.subarray(start, start + CHUNK_SAMPLES)));
    }
    const result = joined(results);
    this.#given += result.length;
    return result;
  }

  finish(): Float32Array {
    const left = Math.round((this.#taken * SAMPLE_RATE_HZ) / this.#sampleRateHz) - this.#given;
    const rest = this.push(new Float32Array(this.#tapCount));
    return rest.subarray(0, Math.max(0, left));
  }

  #filter(chunk: Float32Array): Float32Array {
    const { memory } = this.#kernel;
    memory.set(chunk, this.#dataStart + this.#held);
    this.#held += chunk.length;
    const room = (this.#held - this.#tapCount) * this.#phaseCount - this.#phase;
    if (room < 0) return new Float32Array(0);
    const count = Math.floor(room / this.#advance) + 1;
    this.#kernel.filter(
      this.#dataStart * SAMPLE_BYTES,
      0,
      this.#outStart * SAMPLE_BYTES,
      (this.#outStart + count) * SAMPLE_BYTES,
      this.#tapCount * SAMPLE_BYTES,
      this.#phaseCount,
      this.#phase,
      Math.floor(this.#advance / this.#phaseCount) * SAMPLE_BYTES,
      this.#advance % this.#phaseCount,
    );
    const place = this.#phase + count * this.#advance;
    const done = Math.floor(place / this.#phaseCount);
    this.#phase = place - done * this.#phaseCount;
    memory.copyWithin(this.#dataStart, this.#dataStart + done, this.#dataStart + this.#held);
    this.#held -= done;
    return memory.slice(this.#outStart, this.#outStart + count);
  }
}

/** Coefficients of a windowed sinc for each phase; those of a phase add up to one. */
function writeTaps(memory: Float32Array, phaseCount: number, tapCount: number, cutoff: number): void {
  const reach = tapCount / 2;
  const window = kaiserWindow(reach);
  for (let phase = 0; phase < phaseCount; phase += 1) {
    const taps = Float64Array.from({ length: tapCount }, (_, tap) => {
      const distance = tap - (reach - 1) - phase / phaseCount;
      const angle = 2 * Math.PI * cutoff * distance;
      return (angle === 0 ? 1 : Math.sin(angle) / angle) * window(distance);
    });
    const sum = taps.reduce((total, value) => total + value, 0);
    memory.set(
      taps.map((value) => value / sum),
      phase * tapCount,
    );
  }
}

/** Kaiser's estimate of how many coefficients a transition of this share of the rate takes. */
function kaiserLength(transition: number): number {
  return Math.ceil((STOP_BAND_DB - 7.95) / (14.36 * transition));
}

function kaiserWindow(reach: number): (distance: number) => number {
  const beta = 0.1102 * (STOP_BAND_DB - 8.7);
  const scale = 1 / besselI0(beta);
  return (distance) => besselI0(beta * Math.sqrt(Math.max(0, 1 - (distance / reach) ** 2))) * scale;
}

/** The modified Bessel function of order zero, by its power series. */
function besselI0(value: number): number {
  const quarter = (value * value) / 4;
  let term = 1;
  let sum = 1;
  for (let index = 1; term > sum * 1e-12; index += 1) {
    term *= quarter / (index * index);
    sum += term;
  }
  return sum;
}

/** The best fraction for a number among those whose denominator is not above the limit, by its continued fraction. */
function ratio(value: number, denominatorMax: number): readonly [numerator: number, denominator: number] {
  let [numerator, denominator, lastNumerator, lastDenominator] = [Math.floor(value), 1, 1, 0];
  for (let rest = value - Math.floor(value); rest > 1e-9;) {
    const whole = Math.floor(1 / rest);
    rest = 1 / rest - whole;
    const next = whole * denominator + lastDenominator;
    if (next > denominatorMax) break;
    [numerator, lastNumerator] = [whole * numerator + lastNumerator, numerator];
    [denominator, lastDenominator] = [next, denominator];
  }
  return [numerator, denominator];
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
