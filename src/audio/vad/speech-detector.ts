/**
 * Finds out where speech is while audio is being decoded. Frames are worked on in windows of two minutes, each cut into
 * stripes that the model hears side by side: that costs less than half of hearing them one after the other.
 */
import { FRAME_SAMPLES, type SpeechFrames } from '../../core/pcm.ts';
import { levelDb } from '../levels.ts';
import { gainDbAt, REACH_FRAMES } from './gain.ts';
import { CONTEXT_SAMPLES, INPUT_SAMPLES, type Silero } from './silero.ts';

const STRIPES_MAX = 8;
const STRIPE_FRAMES = 500;
/** Shorter stripes than this are not worth their warm-up. */
const STRIPE_FRAMES_MIN = 125;
const WINDOW_FRAMES = STRIPES_MAX * STRIPE_FRAMES;
/** Frames that a stripe hears before its first: one second, after which its memory is as good as the whole file's. */
const WARM_UP_FRAMES = 32;
const LEAD_SAMPLES = WARM_UP_FRAMES * FRAME_SAMPLES + CONTEXT_SAMPLES;
/** Room for a whole window, for what the gain looks ahead, and for a frame that is not full. */
const ROOM_SAMPLES = LEAD_SAMPLES + (WINDOW_FRAMES + REACH_FRAMES + 1) * FRAME_SAMPLES;
/** Short recordings are the most frequent ones, and need no more than this. */
const FIRST_ROOM_SAMPLES = LEAD_SAMPLES + 256 * FRAME_SAMPLES;
/** The gain is worked out for every so many frames, and goes evenly from one to the next. */
const GAIN_STEP_FRAMES = 8;

export interface SpeechDetector {
  /** Takes the next samples, in [-1, 1] at 16 kHz. */
  push(samples: Float32Array): Promise<void>;
  /** The frames of all samples; a last one that is not full counts as if silence followed. */
  finish(): Promise<SpeechFrames>;
}

export function createSpeechDetector(silero: Silero): SpeechDetector {
  return new WindowedDetector(silero);
}

class WindowedDetector implements SpeechDetector {
  readonly #silero: Silero;
  /** Samples from `LEAD_SAMPLES` before the window's first frame on. */
  #samples = new Float32Array(FIRST_ROOM_SAMPLES);
  #filled = LEAD_SAMPLES;
  readonly #levelsDb = new Growing();
  readonly #probabilities = new Growing();

  constructor(silero: Silero) {
    this.#silero = silero;
  }

  async push(samples: Float32Array): Promise<void> {
    for (let start = 0; start < samples.length;) {
      this.#makeRoom(samples.length - start);
      const part = samples.subarray(start, start + this.#samples.length - this.#filled);
      this.#samples.set(part, this.#filled);
      this.#filled += part.length;
      start += part.length;
      this.#measure();
      // The gain looks ahead, so that the window waits for the frames behind it.
      if (this.#levelsDb.length - this.#probabilities.length >= WINDOW_FRAMES + REACH_FRAMES) {
        await this.#listen(WINDOW_FRAMES);
      }
    }
  }

  async finish(): Promise<SpeechFrames> {
    const missing = (FRAME_SAMPLES - ((this.#filled - LEAD_SAMPLES) % FRAME_SAMPLES)) % FRAME_SAMPLES;
    await this.push(new Float32Array(missing));
    while (this.#probabilities.length < this.#levelsDb.length) {
      await this.#listen(Math.min(WINDOW_FRAMES, this.#levelsDb.length - this.#probabilities.length));
    }
    return { probabilities: this.#probabilities.values(), levelsDb: this.#levelsDb.values() };
  }

  /** Room for so many samples more, or for a whole window. */
  #makeRoom(sampleCount: number): void {
    const wanted = Math.min(this.#filled + sampleCount, ROOM_SAMPLES);
    if (wanted <= this.#samples.length) return;
    const larger = new Float32Array(Math.min(Math.max(wanted, 2 * this.#samples.length), ROOM_SAMPLES));
    larger.set(this.#samples.subarray(0, this.#filled));
    this.#samples = larger;
  }

  /** Takes the level of every frame that is full by now. */
  #measure(): void {
    const first = this.#probabilities.length;
    for (;;) {
      const start = LEAD_SAMPLES + (this.#levelsDb.length - first) * FRAME_SAMPLES;
      if (start + FRAME_SAMPLES > this.#filled) return;
      this.#levelsDb.push(levelDb(this.#samples.subarray(start, start + FRAME_SAMPLES)));
    }
  }

  async #listen(frameCount: number): Promise<void> {
    const amplified = this.#amplified(frameCount);
    const stripeCount = Math.min(STRIPES_MAX, Math.ceil(frameCount / STRIPE_FRAMES_MIN));
    const stripeFrames = Math.ceil(frameCount / stripeCount);
    // The beginning of a recording has nothing before it that could be heard.
    const warmUpFrames = stripeCount === 1 && this.#probabilities.length === 0 ? 0 : WARM_UP_FRAMES;
    const stripes = this.#silero.listen(stripeCount);
    const input = new Float32Array(stripeCount * INPUT_SAMPLES);
    const found = new Float32Array(stripeCount * stripeFrames);
    for (let step = -warmUpFrames; step < stripeFrames; step += 1) {
      for (let stripe = 0; stripe < stripeCount; stripe += 1) {
        const start = (WARM_UP_FRAMES + stripe * stripeFrames + step) * FRAME_SAMPLES;
        const frame = amplified.subarray(start, start + INPUT_SAMPLES);
        input.set(frame, stripe * INPUT_SAMPLES);
        input.fill(0, stripe * INPUT_SAMPLES + frame.length, (stripe + 1) * INPUT_SAMPLES);
      }
      const probabilities = await stripes.step(input);
      if (step >= 0) probabilities.forEach((value, stripe) => (found[stripe * stripeFrames + step] = value));
    }
    for (const probability of found.subarray(0, frameCount)) this.#probabilities.push(probability);
    this.#samples.copyWithin(0, frameCount * FRAME_SAMPLES, this.#filled);
    this.#filled -= frameCount * FRAME_SAMPLES;
  }

  /** The window's samples with what lies before it, each frame at the gain that suits its surroundings. */
  #amplified(frameCount: number): Float32Array {
    const levelsDb = this.#levelsDb.values();
    const firstFrame = this.#probabilities.length;
    const amplified = this.#samples.slice(0, LEAD_SAMPLES + frameCount * FRAME_SAMPLES);
    const stepSamples = GAIN_STEP_FRAMES * FRAME_SAMPLES;
    let gain = factor(gainDbAt(levelsDb, firstFrame));
    for (let index = 0; index < LEAD_SAMPLES; index += 1) amplified[index] = (amplified[index] ?? 0) * gain;
    for (let start = 0; start < frameCount; start += GAIN_STEP_FRAMES) {
      const next = factor(gainDbAt(levelsDb, firstFrame + start + GAIN_STEP_FRAMES));
      const ratio = (next / gain) ** (1 / stepSamples);
      const from = LEAD_SAMPLES + start * FRAME_SAMPLES;
      const to = Math.min(from + stepSamples, amplified.length);
      for (let index = from; index < to; index += 1) {
        gain *= ratio;
        amplified[index] = (amplified[index] ?? 0) * gain;
      }
      gain = next;
    }
    return amplified;
  }
}

function factor(gainDb: number): number {
  return 10 ** (gainDb / 20);
}

/** Single-precision numbers, more and more of them. */
class Growing {
  #values = new Float32Array(4096);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float32Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }

  values(): Float32Array {
    return this.#values.subarray(0, this.length);
  }
}
