/** The number formats in which checkpoints store their weights. */

export type StoredType = 'F32' | 'F16' | 'BF16';

/** Bytes of a value. */
export const WIDTH: Readonly<Record<StoredType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** @param bytes of little-endian values; a view that need not be aligned. */
export function toFloat32(bytes: Uint8Array, type: StoredType): Float32Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (type === 'F32') return new Float32Array(buffer, byteOffset, length / 4);
  const halves = new Uint16Array(buffer, byteOffset, length / 2);
  const bits = new Int32Array(halves.length);
  if (type === 'BF16') {
    // The upper half of a 32-bit number.
    for (let index = 0; index < halves.length; index += 1) bits[index] = (halves[index] as number) << 16;
  } else {
    halfBits ??= Int32Array.from({ length: 65_536 }, (_, half) => float32Bits(half));
    for (let index = 0; index < halves.length; index += 1) bits[index] = halfBits[halves[index] as number] as number;
  }
  return new Float32Array(bits.buffer);
}

/** The bits of every 16-bit number as a 32-bit one; made when the first is read. */
let halfBits: Int32Array | null = null;

const HALF_EXPONENT_MAX = 31;

function float32Bits(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  let value = (1 + fraction / 1024) * 2 ** (exponent - 15);
  if (exponent === 0) value = fraction * 2 ** -24;
  if (exponent === HALF_EXPONENT_MAX) value = fraction === 0 ? Infinity : NaN;
  return new Int32Array(Float32Array.of(sign * value).buffer)[0] ?? 0;
}
