/** Weights in fewer bits, in the layout of onnxruntime's operator MatMulNBits. */

export type Bits = 4 | 8;

export interface Quantized {
  /** For each row its blocks, in each block its values; of 4 bits the first value is in the lower half of a byte. */
  readonly values: Uint8Array;
  /** One for each block. */
  readonly scales: Float32Array;
}

/** What stands for zero, where the operator is given no zero points. */
const ZERO: Readonly<Record<Bits, number>> = { 4: 8, 8: 128 };

/**
 * Each block of `blockSize` values of a row gets the scale with which its largest value is met exactly; the last block of
 * a row is filled with zeros. Value = (stored - zero) × scale.
 */
export function quantize(rows: Float32Array, width: number, bits: Bits, blockSize: number): Quantized {
  const rowCount = rows.length / width;
  const blocks = Math.ceil(width / blockSize);
  const scales = new Float32Array(rowCount * blocks);
  const stored = new Uint8Array(rowCount * blocks * blockSize).fill(ZERO[bits]);
  for (let row = 0; row < rowCount; row += 1) {
    for (let block = 0; block < blocks; block += 1) {
      const start = row * width + block * blockSize;
      const end = Math.min(start + blockSize, (row + 1) * width);
      const index = row * blocks + block;
      scales[index] = quantizeBlock(rows, start, end, ZERO[bits], stored, index * blockSize);
    }
  }
  return { values: bits === 4 ? packed(stored) : stored, scales };
}

/** The extreme value maps to the lowest number, which reaches one step farther than the highest does. */
function quantizeBlock(
  values: Float32Array,
  start: number,
  end: number,
  zero: number,
  stored: Uint8Array,
  at: number,
): number {
  let extreme = 0;
  for (let index = start; index < end; index += 1) {
    const value = values[index] as number;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  const scale = Math.fround(extreme / -zero);
  if (scale === 0) return 0;
  const inverse = 1 / scale;
  const highest = 2 * zero - 1;
  for (let index = start; index < end; index += 1) {
    // Nothing lies below zero but by rounding, which the half that is added covers.
    const rounded = ((values[index] as number) * inverse + zero + 0.5) | 0;
    stored[at + index - start] = rounded > highest ? highest : rounded;
  }
  return scale;
}

function packed(stored: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(stored.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = (stored[2 * index] as number) | ((stored[2 * index + 1] as number) << 4);
  }
  return bytes;
}
