/** The two passes of a conversion: one that only checks and counts, one that writes. */
import type { Extent } from '../graph/onnx.ts';
import type { WeightStore } from '../graph/weights.ts';
import type { Checkpoint } from './checkpoint.ts';
import { quantize } from './quantize.ts';
import type { WeightsFile } from './weights-file.ts';

const NOWHERE: Extent = { offset: 0, length: 0 };

/** What a conversion will read and write. */
export interface Work {
  /** Values of the checkpoint. */
  values: number;
  bytes: number;
}

/** Checks every tensor that the graph asks for, and adds up the work. */
export function createCountingStore(checkpoint: Checkpoint, work: Work): WeightStore {
  const count = (name: string, shape: readonly number[]): number => {
    checkpoint.expect(name, shape);
    const values = shape.reduce((product, dimension) => product * dimension, 1);
    work.values += values;
    return values;
  };
  return {
    async floats(name, shape) {
      work.bytes += 4 * count(name, shape);
      return NOWHERE;
    },
    async blocks(name, shape, bits, blockSize) {
      count(name, shape);
      const blocks = shape[0] * Math.ceil(shape[1] / blockSize);
      work.bytes += blocks * ((blockSize * bits) / 8 + 4);
      return { values: NOWHERE, scales: NOWHERE };
    },
  };
}

/** @param onValues takes the number of values that have just been read. */
export function createWritingStore(
  checkpoint: Checkpoint,
  file: WeightsFile,
  onValues: (count: number) => void,
): WeightStore {
  async function* rows(name: string): AsyncGenerator<Float32Array> {
    for await (const part of checkpoint.rows(name)) {
      yield part;
      onValues(part.length);
    }
  }
  return {
    floats: (name) => file.tensor(rows(name)),
    async blocks(name, shape, bits, blockSize) {
      const scales: Float32Array[] = [];
      async function* values(): AsyncGenerator<Uint8Array> {
        for await (const part of rows(name)) {
          const quantized = quantize(part, shape[1], bits, blockSize);
          scales.push(quantized.scales);
          yield quantized.values;
        }
      }
      const stored = await file.tensor(values());
      return { values: stored, scales: await file.tensor(scales) };
    },
  };
}
