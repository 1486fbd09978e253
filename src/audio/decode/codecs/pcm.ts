/** Uncompressed samples: integers, floating point, µ-law and A-law, of either byte order. */

export interface PcmLayout {
  readonly encoding: 'unsigned' | 'signed' | 'float' | 'ulaw' | 'alaw';
  /** Bytes of one sample of one channel, its padding included. */
  readonly sampleBytes: number;
  readonly littleEndian: boolean;
  readonly channelCount: number;
}

/** Whether such samples exist at all. */
export function isPcmLayout({ encoding, sampleBytes, channelCount }: PcmLayout): boolean {
  if (channelCount < 1) return false;
  switch (encoding) {
    case 'ulaw':
    case 'alaw':
    case 'unsigned':
      return sampleBytes === 1;
    case 'signed':
      return sampleBytes >= 1 && sampleBytes <= 4;
    case 'float':
      return sampleBytes === 4 || sampleBytes === 8;
  }
}

/** Interleaved samples as one array for each channel; bytes of an incomplete last frame are left out. */
export function decodePcm(bytes: Uint8Array, layout: PcmLayout): Float32Array[] {
  const { sampleBytes, channelCount } = layout;
  const frameBytes = sampleBytes * channelCount;
  const frameCount = Math.floor(bytes.length / frameBytes);
  const read = sampleReader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), layout);
  return Array.from({ length: channelCount }, (_, channel) => {
    const samples = new Float32Array(frameCount);
    for (let frame = 0, offset = channel * sampleBytes; frame < frameCount; frame += 1, offset += frameBytes) {
      samples[frame] = read(offset);
    }
    return samples;
  });
}

function sampleReader(view: DataView, { encoding, sampleBytes, littleEndian }: PcmLayout): (offset: number) => number {
  switch (encoding) {
    case 'unsigned':
      return (offset) => (view.getUint8(offset) - 128) / 128;
    case 'ulaw':
      return (offset) => ULAW[view.getUint8(offset)] ?? 0;
    case 'alaw':
      return (offset) => ALAW[view.getUint8(offset)] ?? 0;
    case 'float':
      return sampleBytes === 4
        ? (offset) => finite(view.getFloat32(offset, littleEndian))
        : (offset) => finite(view.getFloat64(offset, littleEndian));
    case 'signed':
      return signedReader(view, sampleBytes, littleEndian);
  }
}

/** What is not a number would spread through every filter behind it. */
function finite(value: number): number {
  return Math.abs(value) <= FLOAT_MAX ? value : 0;
}

/** No recording is louder; larger numbers are damage. */
const FLOAT_MAX = 1 << 16;

function signedReader(view: DataView, sampleBytes: number, littleEndian: boolean): (offset: number) => number {
  switch (sampleBytes) {
    case 1:
      return (offset) => view.getInt8(offset) / 0x80;
    case 2:
      return (offset) => view.getInt16(offset, littleEndian) / 0x80_00;
    case 3:
      return littleEndian
        ? (offset) => (view.getInt8(offset + 2) * 0x1_00_00 + view.getUint16(offset, true)) / 0x80_00_00
        : (offset) => (view.getInt8(offset) * 0x1_00_00 + view.getUint16(offset + 1, false)) / 0x80_00_00;
    default:
      return (offset) => view.getInt32(offset, littleEndian) / 0x80_00_00_00;
  }
}

/** ITU-T G.711: an inverted byte of sign, exponent and mantissa, with a bias of 33 at 14 bits. */
const ULAW = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return ((code & 0x80) === 0 ? magnitude : -magnitude) / 0x80_00;
});

/** ITU-T G.711: every second bit is inverted, and a set sign bit means a positive sample. */
const ALAW = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = byte ^ 0x55;
  const exponent = (code & 0x70) >> 4;
  const mantissa = (code & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x1_08) << (exponent - 1);
  return ((code & 0x80) === 0 ? -magnitude : magnitude) / 0x80_00;
});
