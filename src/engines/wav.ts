/** What vendors are sent: 16 kHz, mono, 16 bits. Thirty seconds are 0.96 MB, and every vendor takes it. */
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';

const HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;
const FULL_SCALE = 32_768;

/** A whole file; samples as `toPcm16` takes them. */
export function toWav(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + samples.length * SAMPLE_BYTES);
  bytes.set(wavHeader(samples.length * SAMPLE_BYTES, SAMPLE_RATE_HZ));
  bytes.set(toPcm16(samples), HEADER_BYTES);
  return bytes;
}

/** What stands behind the header. Samples in [-1, 1]; what lies beyond is clamped, and what is no number is silence. */
export function toPcm16(samples: Float32Array): Uint8Array {
  const bytes = new Uint8Array(samples.length * SAMPLE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, sample] of samples.entries()) {
    const value = Math.min(FULL_SCALE - 1, Math.max(-FULL_SCALE, Math.round(sample * FULL_SCALE)));
    view.setInt16(index * SAMPLE_BYTES, value, true);
  }
  return bytes;
}

/** The samples of a file that `toWav` made. */
export function fromWav(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from(
    { length: Math.floor((bytes.byteLength - HEADER_BYTES) / SAMPLE_BYTES) },
    (_, index) => view.getInt16(HEADER_BYTES + index * SAMPLE_BYTES, true) / FULL_SCALE,
  );
}

/** What stands before so many bytes of samples, mono and of 16 bits. */
export function wavHeader(dataBytes: number, rateHz: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  const text = (offset: number, letters: string): void => {
    for (let index = 0; index < letters.length; index += 1) view.setUint8(offset + index, letters.charCodeAt(index));
  };
  text(0, 'RIFF');
  view.setUint32(4, Math.min(HEADER_BYTES - 8 + dataBytes, 0xffff_ffff), true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, rateHz * SAMPLE_BYTES, true);
  view.setUint16(32, SAMPLE_BYTES, true);
  view.setUint16(34, SAMPLE_BYTES * 8, true);
  text(36, 'data');
  view.setUint32(40, dataBytes, true);
  return header;
}
