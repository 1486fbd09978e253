/** Some decoded audio: one array for each channel, all of the same length. */
export interface AudioBlock {
  readonly channels: readonly Float32Array[];
  readonly sampleRateHz: number;
  /** Somewhere in it, or in its place where it is empty, audio is missing that could not be decoded. */
  readonly isDamaged?: boolean;
}

/** Stands for audio that is lost as a whole. */
export const LOST: AudioBlock = { channels: [], sampleRateHz: 0, isDamaged: true };

export function sampleCountOf(block: AudioBlock): number {
  return block.channels[0]?.length ?? 0;
}

/** Cuts away what an encoder added before and after the real audio. */
export class Trim {
  #skip: number;
  #left: number;

  /** Drops the first `skip` samples and everything after `keep` more. */
  constructor(skip: number, keep: number = Infinity) {
    this.#skip = skip;
    this.#left = keep;
  }

  /** What remains of the block, null where that is nothing. Damage remains. */
  apply(block: AudioBlock | null): AudioBlock | null {
    if (block === null) return null;
    const sampleCount = sampleCountOf(block);
    const start = Math.min(this.#skip, sampleCount);
    const end = Math.min(sampleCount, start + this.#left);
    this.#skip -= start;
    this.#left -= end - start;
    if (end <= start && block.isDamaged !== true) return null;
    if (start === 0 && end === sampleCount) return block;
    return { ...block, channels: block.channels.map((channel) => channel.subarray(start, end)) };
  }
}

/** The blocks without the last `sampleCount` samples of all. */
export async function* withoutTail(
  blocks: AsyncIterable<AudioBlock>,
  sampleCount: number,
): AsyncGenerator<AudioBlock, void, undefined> {
  const held: AudioBlock[] = [];
  let heldSamples = 0;
  for await (const block of blocks) {
    held.push(block);
    heldSamples += sampleCountOf(block);
    for (
      let first = held[0];
      first !== undefined && heldSamples - sampleCountOf(first) >= sampleCount;
      first = held[0]
    ) {
      held.shift();
      heldSamples -= sampleCountOf(first);
      yield first;
    }
  }
  const rest = new Trim(0, Math.max(0, heldSamples - sampleCount));
  for (const block of held) {
    const trimmed = rest.apply(block);
    if (trimmed !== null) yield trimmed;
  }
}
