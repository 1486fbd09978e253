/** All channels as one, at their mean level, so that nothing clips, and without channels cancelling each other out. */

/** Samples for which the polarities stay the same. */
const STEP_SAMPLES = 1024;
/** The memory of the correlation: it forgets this share at each step, so that it lasts a fraction of a second. */
const FORGETTING = 0.15;
/** Correlations at which a channel is turned over, and turned back. */
const TURN_BELOW = -0.3;
const TURN_BACK_ABOVE = 0.1;
/** Every so many samples tell enough about the correlation. */
const STRIDE = 4;

export interface DownMix {
  mix(channels: readonly Float32Array[]): Float32Array;
}

/**
 * Adds channel after channel to the mix. One whose waveform runs against the mix so far, as with a microphone wired the
 * wrong way round, is turned over first: otherwise the same voice on both would vanish.
 */
export function createDownMix(): DownMix {
  let followers: Follower[] = [];
  return {
    mix(channels) {
      const [first] = channels;
      if (first === undefined || channels.length === 1) return first ?? new Float32Array(0);
      if (followers.length !== channels.length - 1) followers = channels.slice(1).map(() => new Follower());
      const mixed = first.slice();
      channels.slice(1).forEach((channel, index) => followers[index]?.addTo(mixed, channel));
      const scale = 1 / channels.length;
      for (let index = 0; index < mixed.length; index += 1) mixed[index] = (mixed[index] ?? 0) * scale;
      return mixed;
    },
  };
}

/** One channel's polarity against the mix of those before it. */
class Follower {
  #products = 0;
  #mixEnergy = 0;
  #channelEnergy = 0;
  #isStarted = false;
  /** 1 as it is, -1 turned over. */
  #polarity = 1;

  addTo(mixed: Float32Array, channel: Float32Array): void {
    for (let start = 0; start < mixed.length; start += STEP_SAMPLES) {
      const end = Math.min(start + STEP_SAMPLES, mixed.length);
      this.#listen(mixed, channel, start, end);
      const before = this.#polarity;
      this.#decide();
      // From one polarity to the other over the whole step: a jump would click.
      let weight = this.#isStarted ? before : this.#polarity;
      const change = (this.#polarity - weight) / (end - start);
      for (let index = start; index < end; index += 1) {
        weight += change;
        mixed[index] = (mixed[index] ?? 0) + weight * (channel[index] ?? 0);
      }
      this.#isStarted ||= this.#channelEnergy > 0;
    }
  }

  #listen(mixed: Float32Array, channel: Float32Array, start: number, end: number): void {
    let products = 0;
    let mixEnergy = 0;
    let channelEnergy = 0;
    for (let index = start; index < end; index += STRIDE) {
      const one = mixed[index] ?? 0;
      const other = channel[index] ?? 0;
      products += one * other;
      mixEnergy += one * one;
      channelEnergy += other * other;
    }
    const keep = 1 - FORGETTING;
    this.#products = this.#products * keep + products;
    this.#mixEnergy = this.#mixEnergy * keep + mixEnergy;
    this.#channelEnergy = this.#channelEnergy * keep + channelEnergy;
  }

  #decide(): void {
    const scale = Math.sqrt(this.#mixEnergy * this.#channelEnergy);
    if (scale === 0) return;
    const correlation = this.#products / scale;
    if (correlation < TURN_BELOW) this.#polarity = -1;
    else if (correlation > TURN_BACK_ABOVE) this.#polarity = 1;
  }
}
