/** The boxes of which MP4 files are made (ISO/IEC 14496-12). */
import type { ByteReader } from '../byte-reader.ts';
import { ascii, viewOf } from './bytes.ts';

export interface BoxHeader {
  readonly type: string;
  /** Bytes of its content; infinite where it runs to the end of the file. */
  readonly byteCount: number;
}

/** Reads the header of the box at the reader's position and moves behind it; null at the end or where there is none. */
export async function nextBox(reader: ByteReader): Promise<BoxHeader | null> {
  await reader.fill(16);
  const header = parseHeader(reader.window, 0);
  if (header === null) return null;
  reader.skip(header.headerBytes);
  return { type: header.type, byteCount: header.byteCount };
}

/** The boxes inside `bytes`; ends at the first that is cut off. */
export function* boxesOf(
  bytes: Uint8Array,
  start = 0,
): Generator<{ type: string; content: Uint8Array }, void, undefined> {
  for (let offset = start; offset + 8 <= bytes.length;) {
    const header = parseHeader(bytes, offset);
    if (header === null) return;
    const contentStart = offset + header.headerBytes;
    const end = Math.min(contentStart + header.byteCount, header.byteCount === Infinity ? bytes.length : Infinity);
    if (end > bytes.length) return;
    yield { type: header.type, content: bytes.subarray(contentStart, end) };
    offset = end;
  }
}

/** The content of the first box of this type at the end of a path of types; null where there is none. */
export function findBox(bytes: Uint8Array, ...path: readonly string[]): Uint8Array | null {
  let found: Uint8Array | null = bytes;
  for (const wanted of path) {
    if (found === null) return null;
    found = [...boxesOf(found)].find(({ type }) => type === wanted)?.content ?? null;
  }
  return found;
}

function parseHeader(bytes: Uint8Array, offset: number): (BoxHeader & { headerBytes: number }) | null {
  if (offset + 8 > bytes.length) return null;
  const view = viewOf(bytes);
  const size = view.getUint32(offset, false);
  const type = ascii(bytes, offset + 4, offset + 8);
  if (size === 0) return { type, byteCount: Infinity, headerBytes: 8 };
  if (size !== 1) return size < 8 ? null : { type, byteCount: size - 8, headerBytes: 8 };
  if (offset + 16 > bytes.length) return null;
  const largeSize = Number(view.getBigUint64(offset + 8, false));
  return largeSize < 16 ? null : { type, byteCount: largeSize - 16, headerBytes: 16 };
}
