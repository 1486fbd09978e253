/** Writes GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) whose weights are random: only their shapes matter. */
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/** As the published files name them; blocks are of 32 weights. */
export type TensorType = 'F32' | 'F16' | 'Q4_0' | 'Q8_0';

export interface Tensor {
  readonly name: string;
  /** The innermost dimension last, as in safetensors. */
  readonly shape: readonly number[];
  readonly type: TensorType;
}

export type Value = string | boolean | { readonly u32: number } | { readonly f32: number } | readonly Item[];
/** Of one type in all of a list. */
export type Item = string | { readonly f32: number } | { readonly i32: number };

const TYPES: Record<TensorType, { readonly id: number; readonly weights: number; readonly bytes: number }> = {
  F32: { id: 0, weights: 1, bytes: 4 },
  F16: { id: 1, weights: 1, bytes: 2 },
  Q4_0: { id: 2, weights: 32, bytes: 18 },
  Q8_0: { id: 8, weights: 32, bytes: 34 },
};

const ALIGNMENT = 32;
/** Blocks written at once, again and again. */
const PATTERN_BLOCKS = 65_536;

export function writeGguf(path: string, metadata: Readonly<Record<string, Value>>, tensors: readonly Tensor[]): void {
  const entries = Object.entries(metadata);
  const head: Buffer[] = [
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(entries.length),
    ...entries.flatMap(([key, value]) => [text(key), ...typed(value)]),
  ];
  let offset = 0;
  for (const tensor of tensors) {
    const dimensions = tensor.shape.toReversed().map(u64);
    head.push(text(tensor.name), u32(dimensions.length), ...dimensions, u32(TYPES[tensor.type].id), u64(offset));
    offset += aligned(bytesOf(tensor));
  }
  const header = Buffer.concat(head);
  const file = openSync(path, 'wx');
  writeSync(file, Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length)]));
  const patterns = new Map<TensorType, Buffer>();
  for (const tensor of tensors) {
    const pattern = patterns.get(tensor.type) ?? randomBlocks(tensor.type);
    patterns.set(tensor.type, pattern);
    for (let left = aligned(bytesOf(tensor)); left > 0; left -= pattern.length) {
      writeSync(file, pattern, 0, Math.min(left, pattern.length));
    }
  }
  closeSync(file);
}

function bytesOf({ shape, type }: Tensor): number {
  const { weights, bytes } = TYPES[type];
  return (shape.reduce((product, size) => product * size, 1) / weights) * bytes;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Weights of the spread that layers of this width have: about 0.02. */
function randomBlocks(type: TensorType): Buffer {
  const { bytes } = TYPES[type];
  const pattern = randomFillSync(Buffer.alloc(PATTERN_BLOCKS * bytes));
  for (let block = 0; block < pattern.length; block += bytes) {
    switch (type) {
      case 'F32':
        pattern.writeFloatLE(1, block);
        break;
      case 'F16':
        // Exponent and the first bits: below 0.03, of either sign.
        pattern[block + 1] = ((pattern[block + 1] ?? 0) & 0x80) | 0x24;
        break;
      case 'Q4_0':
        pattern.writeUInt16LE(FLOAT16_0_005, block);
        break;
      case 'Q8_0':
        pattern.writeUInt16LE(FLOAT16_0_0003, block);
        break;
    }
  }
  return pattern;
}

const FLOAT16_0_005 = 0x1d1f;
const FLOAT16_0_0003 = 0x0cea;

function typed(value: Value): Buffer[] {
  if (typeof value === 'string') return [u32(8), text(value)];
  if (typeof value === 'boolean') return [u32(7), Buffer.from([Number(value)])];
  if ('u32' in value) return [u32(4), u32(value.u32)];
  if ('f32' in value) return [u32(6), f32(value.f32)];
  const first = value[0];
  const itemType = typeof first === 'string' ? 8 : first !== undefined && 'f32' in first ? 6 : 5;
  return [u32(9), u32(itemType), u64(value.length), ...value.map(item)];
}

function item(value: Item): Buffer {
  if (typeof value === 'string') return text(value);
  return 'f32' in value ? f32(value.f32) : u32(value.i32);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}
