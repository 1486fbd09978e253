/** A checkpoint in any of its layouts, seen in one: today's names, positions in halves. */
import { FilesError } from '../files-error.ts';
import type { EncoderSizes } from './config.ts';
import { openTensorFiles, readRowBytes, readRows, rowValues, type StoredTensor } from './safetensors.ts';
import type { StoredType } from './stored-types.ts';

/** `former` is the layout from before 27 December 2025. */
export type Layout = 'today' | 'former';

export interface Checkpoint extends AsyncDisposable {
  readonly layout: Layout;
  /** The tensor's shape; throws a `FilesError` where there is none of that name. */
  shapeOf(name: string): readonly number[];
  has(name: string): boolean;
  typeOf(name: string): StoredType;
  /** Throws a `FilesError` where the tensor is missing or has another shape. */
  expect(name: string, shape: readonly number[]): void;
  /** Rows `start` to `end`, in parts that fit into memory. */
  rows(name: string): AsyncIterable<Float32Array>;
  /** The bytes as they are stored, in parts; only for a tensor whose rows keep their order. */
  bytes(name: string): AsyncIterable<Uint8Array>;
}

/** Values that are in memory at a time: 32 MB of them. */
const PART_VALUES = 8 * 2 ** 20;

export const HEAD = 'language_model.lm_head.weight';
export const EMBEDDINGS = 'language_model.model.embed_tokens.weight';

/** Names of the former layout and of re-saved checkpoints, in today's. The rules apply in this order. */
const FORMER_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\./, 'language_model.model.'],
  [/^lm_head\./, 'language_model.lm_head.'],
  [/^audio_encoder\.adapting\.0\./, 'multi_modal_projector.linear_1.'],
  [/^audio_encoder\.adapting\.2\./, 'multi_modal_projector.linear_2.'],
  // The published file has a final norm outside of what was Whisper; one inside would not be used.
  [/^audio_encoder\.whisper\.layer_norm\./, 'unused.'],
  [/^audio_encoder\.whisper\./, 'audio_tower.'],
  [/^audio_encoder\.layer_norm\./, 'audio_tower.norm.'],
  [/^(audio_tower\.layers\.\d+\.self_attn\.)out_proj\./, '$1o_proj.'],
  [/^(audio_tower\.layers\.\d+\.)self_attn_layer_norm\./, '$1input_layernorm.'],
  [/^(audio_tower\.layers\.\d+\.)final_layer_norm\./, '$1post_attention_layernorm.'],
  [/^(audio_tower\.layers\.\d+\.)(fc[12])\./, '$1mlp.$2.'],
];
const TODAY_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\.(audio_tower|multi_modal_projector|language_model)\./, '$1.'],
  [/^language_model\.(?!model\.|lm_head\.)/, 'language_model.model.'],
  [/^lm_head\./, 'language_model.lm_head.'],
];

/** What the former layout pairs as neighbours: queries and keys of the encoder. */
const ROTATED = /^audio_tower\.layers\.\d+\.self_attn\.[qk]_proj\./;

export async function openCheckpoint(directory: string, encoder: EncoderSizes): Promise<Checkpoint> {
  const files = await openTensorFiles(directory);
  const layout: Layout = [...files.tensors.keys()].some((name) => name.startsWith('audio_encoder.'))
    ? 'former'
    : 'today';
  const tensors = new Map<string, StoredTensor>();
  for (const tensor of files.tensors.values()) {
    tensors.set(todaysName(tensor.name, layout === 'former' ? FORMER_NAMES : TODAY_NAMES), tensor);
  }
  const find = (name: string): StoredTensor => {
    const found = tensors.get(name);
    if (found !== undefined) return found;
    throw new FilesError(`The checkpoint in ${directory} has no tensor ${name}; is it complete, and of this model?`);
  };
  return {
    layout,
    has: (name) => tensors.has(name),
    shapeOf: (name) => find(name).shape,
    typeOf: (name) => find(name).type,
    expect(name, shape) {
      const found = find(name).shape;
      if (found.join() === shape.join()) return;
      throw new FilesError(`The tensor ${name} has the shape [${found.join()}]; [${shape.join()}] is expected.`);
    },
    rows: (name) =>
      layout === 'former' && ROTATED.test(name) ? rowsInHalves(find(name), encoder) : rowParts(find(name), readRows),
    bytes: (name) => rowParts(find(name), readRowBytes),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

function todaysName(name: string, rules: readonly (readonly [RegExp, string])[]): string {
  return rules.reduce((renamed, [pattern, replacement]) => renamed.replace(pattern, replacement), name);
}

type Read<Part> = (tensor: StoredTensor, start: number, end: number) => Promise<Part>;

async function* rowParts<Part>(tensor: StoredTensor, read: Read<Part>): AsyncGenerator<Part> {
  const rows = tensor.shape[0] ?? 1;
  const step = Math.max(1, Math.floor(PART_VALUES / rowValues(tensor)));
  for (let start = 0; start < rows; start += step) yield await read(tensor, start, Math.min(rows, start + step));
}

/**
 * The former layout turns neighbours (0, 1), (2, 3), … of each head together, today's the halves (0, n / 2), (1, n / 2 + 1), …:
 * within the turned dimensions of each head, the even rows come first, then the odd ones.
 */
async function* rowsInHalves(tensor: StoredTensor, { heads, rotary }: EncoderSizes): AsyncGenerator<Float32Array> {
  const rows = tensor.shape[0] ?? 0;
  const values = await readRows(tensor, 0, rows);
  const width = rowValues(tensor);
  const headRows = rows / heads;
  const ordered = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    const place = row % headRows;
    const first = row - place;
    const half = rotary / 2;
    const from = place >= rotary ? place : place < half ? 2 * place : 2 * (place - half) + 1;
    ordered.set(values.subarray((first + from) * width, (first + from + 1) * width), row * width);
  }
  yield ordered;
}
