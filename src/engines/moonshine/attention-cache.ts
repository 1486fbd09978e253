import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { assert } from '../../core/errors.ts';

const LAYERS = 6;
const HEADS = 8;
const HEAD_SIZE = 36;

/** The decoder's names for one tensor: as the output of one step and as the input of the next. */
interface Entry {
  readonly past: string;
  readonly present: string;
}

/** Of the audio: written by the first step, and the same from then on. */
const OF_AUDIO = entriesOf('encoder');
/** Of the tokens: each step returns those of the step before with one token more. */
const OF_TOKENS = entriesOf('decoder');

type Tensors = Readonly<Record<string, Tensor>>;

/**
 * Attention keys and values on their way from one step of the decoder to the next. Those of the tokens lie in two blocks
 * of memory in turn, one that a step reads and one that it writes: new ones for each step would be garbage by the megabyte.
 */
export class AttentionCache {
  readonly #tokensMax: number;
  #ofAudio: Tensors = emptyTensors(OF_AUDIO);
  #ofTokens: Tensors = emptyTensors(OF_TOKENS);
  #tokens = 0;
  #read: Float32Array;
  #write: Float32Array;

  constructor(tokensMax: number) {
    this.#tokensMax = tokensMax;
    this.#read = new Float32Array(OF_TOKENS.length * HEADS * tokensMax * HEAD_SIZE);
    this.#write = new Float32Array(this.#read.length);
  }

  /** Runs one step: `inputs` and `outputs` are what it takes and gives beside the cache. */
  async step(decoder: InferenceSession, inputs: Tensors, outputs: Tensors): Promise<void> {
    const isFirst = this.#tokens === 0;
    const written = this.#tensorsOf(this.#write, this.#tokens + 1);
    const ofTokens = Object.fromEntries(OF_TOKENS.map(({ present }, index) => [present, written[index] ?? null]));
    // In later steps the decoder gives nothing of use in the place of these.
    const ofAudio = isFirst ? Object.fromEntries(OF_AUDIO.map(({ present }) => [present, null])) : {};
    const feeds = { ...inputs, ...this.#ofAudio, ...this.#ofTokens };
    const given = (await decoder.run(feeds, { ...outputs, ...ofTokens, ...ofAudio })) as Tensors;
    if (isFirst) this.#ofAudio = asInputs(OF_AUDIO, given);
    this.#ofTokens = asInputs(OF_TOKENS, given);
    this.#tokens += 1;
    [this.#read, this.#write] = [this.#write, this.#read];
  }

  /** Parts of a block for so many tokens. */
  #tensorsOf(block: Float32Array, tokens: number): Tensor[] {
    return OF_TOKENS.map((_, index) => {
      const start = index * HEADS * this.#tokensMax * HEAD_SIZE;
      const values = block.subarray(start, start + HEADS * tokens * HEAD_SIZE);
      return new Tensor('float32', values, [1, HEADS, tokens, HEAD_SIZE]);
    });
  }
}

function entriesOf(side: 'encoder' | 'decoder'): readonly Entry[] {
  return Array.from({ length: LAYERS }, (_, layer) =>
    ['key', 'value'].map((part) => ({
      past: `past_key_values.${layer}.${side}.${part}`,
      present: `present.${layer}.${side}.${part}`,
    })),
  ).flat();
}

function emptyTensors(entries: readonly Entry[]): Tensors {
  const empty = new Tensor('float32', new Float32Array(0), [0, HEADS, 1, HEAD_SIZE]);
  return Object.fromEntries(entries.map(({ past }) => [past, empty]));
}

function asInputs(entries: readonly Entry[], given: Tensors): Tensors {
  return Object.fromEntries(
    entries.map(({ past, present }) => {
      const tensor = given[present];
      assert(tensor !== undefined, `the model has an output ${present}`);
      return [past, tensor];
    }),
  );
}
