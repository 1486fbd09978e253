/** Keys and values of attention for the texts of a batch: buffers that are allocated once and filled position by position. */
import { Tensor } from 'onnxruntime-node';
import { assert } from '../../../core/errors.ts';
import { DECODER } from '../graph/decoder.ts';
import type { Manifest } from '../manifest.ts';

/** Texts lie side by side in slots; those in use are the first ones. */
export class Caches {
  readonly #layers: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
  readonly #heads: number;
  readonly #headSize: number;
  readonly #capacity: number;
  /** Filled positions of each slot in use. */
  readonly #filled: number[] = [];

  /** @param capacity positions of the longest text. */
  constructor({ decoder }: Manifest, slots: number, capacity: number) {
    this.#heads = decoder.cache_heads;
    this.#headSize = decoder.head_size;
    this.#capacity = capacity;
    const size = slots * this.#heads * capacity * this.#headSize;
    this.#layers = Array.from({ length: decoder.layers }, () => ({
      keys: new Float32Array(size),
      values: new Float32Array(size),
    }));
  }

  get slots(): number {
    return this.#filled.length;
  }

  filled(slot: number): number {
    const filled = this.#filled[slot];
    assert(filled !== undefined, 'the slot is in use');
    return filled;
  }

  /** Takes the next slot for a new text. */
  take(): number {
    this.#filled.push(0);
    return this.#filled.length - 1;
  }

  /** Frees a slot; the last one in use moves to its place. */
  free(slot: number): void {
    const last = this.#filled.length - 1;
    const stride = this.#slotSize;
    for (const { keys, values } of this.#layers) {
      for (const buffer of [keys, values]) buffer.copyWithin(slot * stride, last * stride, (last + 1) * stride);
    }
    this.#filled[slot] = this.filled(last);
    this.#filled.pop();
  }

  /** The graph's inputs for slots `start` to `end`, without a copy. */
  inputs(start: number, end: number): Record<string, Tensor> {
    const shape = [end - start, this.#heads, this.#capacity, this.#headSize];
    const view = (buffer: Float32Array): Tensor =>
      new Tensor('float32', buffer.subarray(start * this.#slotSize, end * this.#slotSize), shape);
    return Object.fromEntries(
      this.#layers.flatMap(({ keys, values }, layer) => [
        [DECODER.pastKeys(layer), view(keys)],
        [DECODER.pastValues(layer), view(values)],
      ]),
    );
  }

  /** Adds what the graph gave for `count` new positions of each slot from `start` to `end`. */
  append(start: number, end: number, count: number, outputs: (name: string) => Float32Array): void {
    this.#layers.forEach(({ keys, values }, layer) => {
      this.#copy(outputs(DECODER.newKeys(layer)), keys, start, end, count);
      this.#copy(outputs(DECODER.newValues(layer)), values, start, end, count);
    });
    for (let slot = start; slot < end; slot += 1) this.#filled[slot] = this.filled(slot) + count;
  }

  /** The graph gives position by position the values of every head; the buffers hold head by head every position. */
  #copy(added: Float32Array, buffer: Float32Array, start: number, end: number, count: number): void {
    const size = this.#headSize;
    let from = 0;
    for (let slot = start; slot < end; slot += 1) {
      const filled = this.filled(slot);
      assert(filled + count <= this.#capacity, 'the text fits into its cache');
      for (let position = filled; position < filled + count; position += 1) {
        for (let head = 0; head < this.#heads; head += 1) {
          const at = slot * this.#slotSize + (head * this.#capacity + position) * size;
          buffer.set(added.subarray(from, from + size), at);
          from += size;
        }
      }
    }
  }

  get #slotSize(): number {
    return this.#heads * this.#capacity * this.#headSize;
  }
}
