/**
 * A checkpoint that knows some recordings by heart, made without training, so that a whole engine can be shown to give the
 * right text. Its encoder is random: it tells sounds apart, no more. Its one layer of attention takes the mean over all
 * positions; from that its head knows the recording and writes the first part of its text, and each part brings the next.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convert } from './convert/convert.ts';
import { instructionFor } from './instruction.ts';
import { readManifest, type Precision } from './manifest.ts';
import { loadDecoder } from './model/decoder.ts';
import { openEmbeddingTable } from './model/embedding-table.ts';
import { loadEncoder } from './model/encoder.ts';
import { joined } from './model/joined.ts';
import { tinyTensors, writeCheckpoint, type Config, type Tensor, type Tensors } from './tiny.test-checkpoint.ts';
import { tinyTokenizer, type TinyTokenizer } from './tiny.test-tokenizer.ts';
import { loadTokenizer } from './tokenizer.ts';

export interface Memory {
  readonly samples: Float32Array;
  /** Empty for what is no speech. */
  readonly text: string;
}

const HIDDEN = 256;
const PART_CHARACTERS = 5;
const END = '<|endoftext|>';
const PROJECTOR_BIAS = 'multi_modal_projector.linear_2.bias';
const HEAD = 'language_model.lm_head.weight';

/** What the head gives to the token that it is sure of: the next part, and at the beginning the recording's first. */
const NEXT = 40;
const RECORDING = 30;
const ATTENTION = 0.15;

/** Makes the model in a folder below `folder`, and gives its path. */
export async function makeRememberingModel(
  folder: string,
  memories: readonly Memory[],
  precision: Omit<Precision, 'accuracy_level'>,
): Promise<string> {
  const parts = cutIntoParts(memories.map(({ text }) => text));
  const tokenizer = tinyTokenizer(
    ['Please transcribe this audio into text', '请把这段音频转写成文字'],
    40,
    parts.flat(),
  );
  const config = configFor(tokenizer);
  const tensors = tensorsFor(config, tokenizer.idOf('\n'));
  const from = join(folder, 'remembering');
  writeCheckpoint(from, tensors, config);
  writeFileSync(join(from, 'tokenizer.json'), JSON.stringify(tokenizer.json));

  const convertTo = async (name: string, head: Tensor, headPrecision: Precision['head']): Promise<string> => {
    writeCheckpoint(from, new Map([...tensors, [HEAD, head]]), config);
    const to = join(folder, name);
    await convert({ from, to, precision: { ...precision, head: headPrecision } });
    return to;
  };
  // A head that gives the last state as it is, to see what the recordings look like there.
  const identity = new Float32Array(tokenizer.vocabularySize * HIDDEN);
  for (let index = 0; index < HIDDEN; index += 1) identity[index * HIDDEN + index] = 1;
  // What all sounds have in common is taken away first: what is left tells them apart.
  const bias = tensors.get(PROJECTOR_BIAS)?.data ?? new Float32Array(0);
  const common = await meanEmbedding(await convertTo('hearing', headOf(identity), 'fp32'), memories);
  tensors.set(PROJECTOR_BIAS, { shape: [HIDDEN], data: bias.map((value, index) => value - (common[index] ?? 0)) });
  const states = await lastStates(await convertTo('seeing', headOf(identity), 'fp32'), memories);
  return convertTo('model', rememberingHead(tensors, tokenizer, parts, states), precision.head);
}

async function meanEmbedding(directory: string, memories: readonly Memory[]): Promise<number[]> {
  const manifest = readManifest(directory);
  const encoder = await loadEncoder(directory, manifest, 2);
  const heard: Float32Array[] = [];
  for (const { samples } of memories)
    heard.push((await encoder.encode(samples, manifest.encoder.window_samples_max)).embeddings);
  await encoder.release();
  const all = joined(heard);
  const sums = Array.from({ length: HIDDEN }, () => 0);
  all.forEach((value, index) => (sums[index % HIDDEN] = (sums[index % HIDDEN] ?? 0) + value));
  return sums.map((sum) => sum / (all.length / HIDDEN));
}

/** Parts of which no two are the same, in any of the texts. */
function cutIntoParts(texts: readonly string[]): string[][] {
  const known = new Set<string>();
  return texts.map((text) => {
    const parts: string[] = [];
    for (let start = 0; start < text.length;) {
      let end = Math.min(text.length, start + PART_CHARACTERS);
      while (known.has(text.slice(start, end)) && end < text.length) end += 1;
      parts.push(text.slice(start, end));
      known.add(text.slice(start, end));
      start = end;
    }
    return parts;
  });
}

function configFor(tokenizer: TinyTokenizer): Config {
  return {
    model_type: 'glmasr',
    merge_factor: 4,
    projector_hidden_size: 128,
    audio_config: {
      num_mel_bins: 128,
      hidden_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
    },
    text_config: {
      hidden_size: HIDDEN,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 2,
      head_dim: 64,
      intermediate_size: 64,
      vocab_size: tokenizer.vocabularySize,
      eos_token_id: [tokenizer.idOf(END)],
    },
  };
}

/** Random, but for attention that looks everywhere alike, and a feed-forward part that adds nothing. */
function tensorsFor(config: Config, lineBreak: number): Tensors {
  return new Map(
    [...tinyTensors(7, config)].map(([name, tensor]): [string, Tensor] => {
      const layer = name.startsWith('language_model.model.layers.');
      if (layer && /q_proj|k_proj|down_proj/.test(name)) return [name, filled(tensor, 0)];
      if (name.startsWith('language_model.') && name.includes('norm')) return [name, filled(tensor, 1)];
      // A token says more about what comes next than what attention adds to it.
      if (name.includes('embed_tokens')) return [name, silencing(scaled(tensor, Math.sqrt(HIDDEN)), lineBreak)];
      if (layer && name.includes('o_proj')) return [name, scaled(tensor, ATTENTION)];
      return [name, tensor];
    }),
  );
}

function scaled({ shape, data }: Tensor, factor: number): Tensor {
  return { shape, data: data.map((value) => value * factor) };
}

/** The line break before the text says next to nothing, so that there it is the audio that counts. */
function silencing({ shape, data }: Tensor, token: number): Tensor {
  const quiet = data.map((value, index) => (Math.floor(index / HIDDEN) === token ? value / 1000 : value));
  return { shape, data: quiet };
}

function filled({ shape, data }: Tensor, value: number): Tensor {
  return { shape, data: new Float32Array(data.length).fill(value) };
}

function headOf(data: Float32Array): Tensor {
  return { shape: [data.length / HIDDEN, HIDDEN], data };
}

async function lastStates(directory: string, memories: readonly Memory[]): Promise<Float32Array[]> {
  const manifest = readManifest(directory);
  const tokenizer = loadTokenizer(join(directory, 'tokenizer.json'));
  const encoder = await loadEncoder(directory, manifest, 2);
  const decoder = await loadDecoder(directory, manifest, 2);
  using table = openEmbeddingTable(directory, manifest);
  const states: Float32Array[] = [];
  for (const { samples } of memories) {
    const { embeddings } = await encoder.encode(samples, manifest.encoder.window_samples_max);
    const prompt = [table.rows(tokenizer.before), embeddings, table.rows(tokenizer.after(instructionFor({})))];
    const batch = decoder.batch(1, 512);
    const { logits } = await batch.read(batch.begin(), joined(prompt), true);
    states.push((logits ?? new Float32Array(0)).slice(0, HIDDEN));
  }
  await encoder.release();
  await decoder.release();
  return states;
}

function rememberingHead(
  tensors: Tensors,
  tokenizer: TinyTokenizer,
  parts: readonly string[][],
  states: readonly Float32Array[],
): Tensor {
  const embeddings = tensors.get('language_model.model.embed_tokens.weight')?.data ?? new Float32Array(0);
  const data = new Float32Array(embeddings.length);
  const embedding = (token: number): Float32Array => embeddings.subarray(token * HIDDEN, (token + 1) * HIDDEN);
  const add = (token: number, row: ArrayLike<number>, factor: number): void => {
    for (let index = 0; index < HIDDEN; index += 1) {
      const at = token * HIDDEN + index;
      data[at] = (data[at] ?? 0) + factor * (row[index] ?? 0);
    }
  };
  /** The row that gives `value` for an embedding in a normed state. */
  const follow = (token: number, before: number, value: number): void => {
    const row = embedding(before);
    add(token, row, value / Math.sqrt(dot(row, row) * HIDDEN));
  };
  const end = tokenizer.idOf(END);
  const written = parts.flat().map((part) => Float64Array.from(embedding(tokenizer.idOf(part))));
  const readout = interpolate(apartFrom(states, written));
  for (const [index, text] of parts.entries()) {
    const tokens = [...text.map((part) => tokenizer.idOf(part)), end];
    tokens.slice(1).forEach((token, place) => follow(token, tokens[place] ?? 0, NEXT));
    const [first = end] = tokens;
    add(first, readout[index] ?? [], RECORDING);
  }
  return headOf(data);
}

/** What is left of the states beside the embeddings: so a recording says nothing more once its text has begun. */
function apartFrom(states: readonly Float32Array[], embeddings: readonly Float64Array[]): Float64Array[] {
  const axes: Float64Array[] = [];
  const rest = (vector: Float64Array): Float64Array => {
    for (const axis of axes) {
      const share = dot(vector, axis);
      axis.forEach((value, index) => (vector[index] = (vector[index] ?? 0) - share * value));
    }
    return vector;
  };
  for (const embedding of embeddings) {
    const axis = rest(embedding);
    const length = Math.sqrt(dot(axis, axis));
    axes.push(axis.map((value) => value / length));
  }
  return states.map((state) => rest(Float64Array.from(state)));
}

/** For each state a row whose product with it is 1, and 0 with every other one: the smallest that there is. */
function interpolate(states: readonly Float64Array[]): number[][] {
  const count = states.length;
  const table = states.map((state, row) => [
    ...states.map((other) => dot(state, other)),
    ...Array.from({ length: count }, (_, column) => (column === row ? 1 : 0)),
  ]);
  // Gauss and Jordan: the left half becomes the identity, the right half the inverse.
  for (let pivot = 0; pivot < count; pivot += 1) {
    const best = table.slice(pivot).reduce((most, row) => Math.max(most, Math.abs(row[pivot] ?? 0)), 0);
    const swap = table.findIndex((row, index) => index >= pivot && Math.abs(row[pivot] ?? 0) === best);
    [table[pivot], table[swap]] = [table[swap] ?? [], table[pivot] ?? []];
    const lead = table[pivot] ?? [];
    const divisor = lead[pivot] ?? 1;
    for (let column = 0; column < lead.length; column += 1) lead[column] = (lead[column] ?? 0) / divisor;
    for (const [index, row] of table.entries()) {
      if (index === pivot) continue;
      const factor = row[pivot] ?? 0;
      for (let column = 0; column < row.length; column += 1)
        row[column] = (row[column] ?? 0) - factor * (lead[column] ?? 0);
    }
  }
  return table.map((row) => {
    const weights = row.slice(count);
    return Array.from({ length: HIDDEN }, (_, index) =>
      states.reduce((sum, state, place) => sum + (weights[place] ?? 0) * (state[index] ?? 0), 0),
    );
  });
}

function dot(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += (one[index] ?? 0) * (other[index] ?? 0);
  return sum;
}
