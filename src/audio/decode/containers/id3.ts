import type { ByteReader } from '../byte-reader.ts';
import { startsWith } from './bytes.ts';

const HEADER_BYTES = 10;

/** Passes over the ID3v2 tags at the reader's position. Their size is believed: what lies behind it decides. */
export async function skipId3(reader: ByteReader): Promise<void> {
  while ((await reader.fill(HEADER_BYTES)) && startsWith(reader.window, 'ID3')) {
    const [flags = 0, ...size] = reader.window.subarray(5, HEADER_BYTES);
    const bodyBytes = size.reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
    const footerBytes = (flags & 0x10) === 0 ? 0 : HEADER_BYTES;
    reader.skip(HEADER_BYTES + bodyBytes + footerBytes);
  }
}
