/** Tiny checkpoints for tests: the weights of fixtures/glm/goldens.json again, from their seed, in any layout. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convert, type ConversionOptions } from './convert/convert.ts';
import type { Oracle } from './verify/oracle.ts';
import { largestDifference } from './verify/oracle.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type Tensors = Map<string, Tensor>;

export interface Config {
  readonly audio_config: Readonly<Record<string, number>>;
  readonly text_config: Readonly<Record<string, number | number[]>>;
  readonly projector_hidden_size: number;
  readonly merge_factor: number;
  readonly model_type: string;
}

interface Golden {
  readonly seed: number;
  readonly samples: number;
  readonly window_samples: number;
  readonly audio_tokens: number;
  readonly token_ids: readonly number[];
  readonly mel: Picked;
  readonly encoder: Picked;
  readonly projector: Picked;
  readonly logits: string;
}

interface Picked {
  readonly count: number;
  readonly picks: string;
}

const FIXTURE = resolve(import.meta.dirname, '../../../fixtures/glm/goldens.json');
export const GOLDENS = JSON.parse(readFileSync(FIXTURE, 'utf8')) as {
  readonly config: Config;
  readonly prompt: { readonly before: number[]; readonly after: number[] };
  readonly cases: readonly Golden[];
};

/** Of which position in an array the fixture keeps the value. */
const PICK_STEP = 7919;

/** A golden as the oracle that the comparison takes. */
export function goldenOracle(golden: Golden): Oracle {
  const logits = floats(golden.logits);
  const width = logits.length / golden.token_ids.length;
  const compare = ({ count, picks }: Picked, values: Float32Array): number => {
    if (values.length !== count) return Infinity;
    const expected = floats(picks);
    return largestDifference(
      expected.map((_, index) => values[(index * PICK_STEP) % count] ?? NaN),
      expected,
    );
  };
  return {
    samples: tinySound(golden.seed, golden.samples),
    prompt: GOLDENS.prompt,
    windowSamples: golden.window_samples,
    tokens: golden.token_ids,
    stages: {
      mel: (values) => compare(golden.mel, values),
      encoder: (values) => compare(golden.encoder, values),
      projector: (values) => compare(golden.projector, values),
      logits: (step, values) => largestDifference(values, logits.subarray(step * width, (step + 1) * width)),
    },
  };
}

export function tinyTensors(seed: number, config: Config = GOLDENS.config): Tensors {
  const next = stream(seed);
  return new Map(
    shapes(config).map(([name, shape]) => {
      const size = shape.reduce((product, dimension) => product * dimension, 1);
      const inputs = shape.slice(1).reduce((product, dimension) => product * dimension, 1);
      const isNorm = name.includes('norm') && name.endsWith('weight');
      const scaled = (value: number): number =>
        isNorm ? 1 + 0.5 * value : name.endsWith('bias') ? 0.35 * value : value * Math.sqrt(3 / inputs);
      return [name, { shape, data: Float32Array.from({ length: size }, () => scaled(next())) }];
    }),
  );
}

export function tinySound(seed: number, samples: number): Float32Array {
  const next = stream(seed + 1000);
  return Float32Array.from({ length: samples }, (_, index) => {
    const t = index / 16_000;
    const swept = Math.sin(2 * Math.PI * (200 + 300 * (t % 3)) * t) * (0.5 + 0.5 * Math.sin(2 * Math.PI * 3 * t));
    return 0.3 * swept + 0.02 * next();
  });
}

/** xorshift32, as values in [-1, 1). */
function stream(seed: number): () => number {
  let state = Math.imul(seed, 2654435761) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2147483648 - 1;
  };
}

function shapes(config: Config): [string, number[]][] {
  const audio = config.audio_config as Record<string, number>;
  const text = config.text_config as Record<string, number>;
  const {
    hidden_size: d = 0,
    intermediate_size: f = 0,
    num_mel_bins: bands = 0,
    num_hidden_layers: layers = 0,
  } = audio;
  const all: [string, number[]][] = [
    ['audio_tower.conv1.weight', [d, bands, 3]],
    ['audio_tower.conv1.bias', [d]],
    ['audio_tower.conv2.weight', [d, d, 3]],
    ['audio_tower.conv2.bias', [d]],
  ];
  for (let layer = 0; layer < layers; layer += 1) {
    const p = `audio_tower.layers.${layer}.`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm'])
      all.push([`${p}${norm}.weight`, [d]], [`${p}${norm}.bias`, [d]]);
    for (const part of ['q', 'k', 'v', 'o']) {
      all.push([`${p}self_attn.${part}_proj.weight`, [d, d]]);
      if (part !== 'k') all.push([`${p}self_attn.${part}_proj.bias`, [d]]);
    }
    all.push([`${p}mlp.fc1.weight`, [f, d]], [`${p}mlp.fc1.bias`, [f]]);
    all.push([`${p}mlp.fc2.weight`, [d, f]], [`${p}mlp.fc2.bias`, [d]]);
  }
  const { hidden_size: h = 0, vocab_size: vocabulary = 0, head_dim: head = 0, intermediate_size: wide = 0 } = text;
  const queries = (text['num_attention_heads'] ?? 0) * head;
  const shared = (text['num_key_value_heads'] ?? 0) * head;
  const projector = 'multi_modal_projector.linear_';
  all.push(
    ['audio_tower.norm.weight', [d]],
    ['audio_tower.norm.bias', [d]],
    [`${projector}1.weight`, [config.projector_hidden_size, d * config.merge_factor]],
    [`${projector}1.bias`, [config.projector_hidden_size]],
    [`${projector}2.weight`, [h, config.projector_hidden_size]],
    [`${projector}2.bias`, [h]],
    ['language_model.model.embed_tokens.weight', [vocabulary, h]],
  );
  for (let layer = 0; layer < (text['num_hidden_layers'] ?? 0); layer += 1) {
    const p = `language_model.model.layers.${layer}.`;
    all.push([`${p}input_layernorm.weight`, [h]], [`${p}post_attention_layernorm.weight`, [h]]);
    all.push([`${p}self_attn.q_proj.weight`, [queries, h]], [`${p}self_attn.k_proj.weight`, [shared, h]]);
    all.push([`${p}self_attn.v_proj.weight`, [shared, h]], [`${p}self_attn.o_proj.weight`, [h, queries]]);
    for (const part of ['gate', 'up']) all.push([`${p}mlp.${part}_proj.weight`, [wide, h]]);
    all.push([`${p}mlp.down_proj.weight`, [h, wide]]);
  }
  all.push(['language_model.model.norm.weight', [h]], ['language_model.lm_head.weight', [vocabulary, h]]);
  return all;
}

/** A temporary folder that goes with its scope. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'earshot-glm-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

export type StoredAs = 'F32' | 'F16' | 'BF16';

export function writeSafetensors(path: string, tensors: Tensors, type: StoredAs = 'F32'): void {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    const bytes = storedBytes(data, type);
    header[name] = { dtype: type, shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  }
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  writeFileSync(path, Buffer.concat([length, head, ...parts]));
}

/** Only for values that the type holds exactly, see `roundedTo`. */
function storedBytes(data: Float32Array, type: StoredAs): Uint8Array {
  if (type === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = Uint16Array.from(bits, (value) => (type === 'BF16' ? value >>> 16 : halfBits(value)));
  return new Uint8Array(halves.buffer);
}

function halfBits(bits: number): number {
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  const sign = (bits >>> 16) & 0x8000;
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

/** Values that 16 bits hold: the lower bits cut off, and for F16 what is too small for it is zero. */
export function roundedTo(tensors: Tensors, type: 'F16' | 'BF16'): Tensors {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const bits = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
      for (let index = 0; index < bits.length; index += 1) {
        const value = bits[index] ?? 0;
        const isTiny = type === 'F16' && ((value >>> 23) & 0xff) - 127 < -14;
        bits[index] = isTiny ? value & 0x80000000 : value & (type === 'BF16' ? 0xffff0000 : 0xffffe000);
      }
      return [name, { shape, data: new Float32Array(bits.buffer) }];
    }),
  );
}

export function writeCheckpoint(directory: string, tensors: Tensors, config: object = GOLDENS.config): void {
  mkdirSync(directory, { recursive: true });
  writeSafetensors(join(directory, 'model.safetensors'), tensors);
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}

export const FULL_PRECISION = { encoder: 'fp32', decoder: 'fp32', head: 'fp32' } as const;

/** Writes and converts a checkpoint below `folder`, and gives the folder of the model. */
export async function convertTiny(
  folder: string,
  name: string,
  tensors: Tensors,
  options: Partial<ConversionOptions> & { readonly config?: object } = {},
): Promise<string> {
  const { config, ...conversion } = options;
  const from = join(folder, `${name}-checkpoint`);
  const to = join(folder, name);
  writeCheckpoint(from, tensors, config);
  await convert({ from, to, precision: FULL_PRECISION, ...conversion });
  return to;
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}
