/** The elements of which Matroska and WebM files are made (RFC 8794). */
import type { ByteReader } from '../byte-reader.ts';

export interface Element {
  readonly id: number;
  /** Bytes of its content; infinite where a live recording left it open. */
  readonly byteCount: number;
}

const HEADER_BYTES_MAX = 12;

/** Reads the header of the element at the reader's position and moves behind it; null at the end or where there is none. */
export async function nextElement(reader: ByteReader): Promise<Element | null> {
  await reader.fill(HEADER_BYTES_MAX);
  const header = parseHeader(reader.window, 0);
  if (header === null) return null;
  reader.skip(header.contentStart);
  return header;
}

/** The elements inside `bytes`; ends at the first that is cut off. */
export function* elementsOf(bytes: Uint8Array): Generator<{ id: number; content: Uint8Array }, void, undefined> {
  for (let offset = 0; offset < bytes.length;) {
    const header = parseHeader(bytes, offset);
    if (header === null || header.contentStart + header.byteCount > bytes.length) return;
    const end = header.contentStart + header.byteCount;
    yield { id: header.id, content: bytes.subarray(header.contentStart, end) };
    offset = end;
  }
}

/** An unsigned big-endian integer of up to 8 bytes; above 2^53 it is not exact. */
export function unsignedOf(content: Uint8Array): number {
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** A variable-length number without its marker bits, and where it ends; null where it is cut off. */
export function variableNumber(bytes: Uint8Array, offset: number): { value: number; end: number } | null {
  const first = bytes[offset];
  if (first === undefined || first === 0) return null;
  const length = Math.clz32(first) - 23;
  if (offset + length > bytes.length) return null;
  const rest = bytes.subarray(offset + 1, offset + length);
  return { value: rest.reduce((value, byte) => value * 256 + byte, first & (0xff >> length)), end: offset + length };
}

function parseHeader(bytes: Uint8Array, offset: number): (Element & { contentStart: number }) | null {
  const idLength = Math.clz32(bytes[offset] ?? 0) - 23;
  if (idLength > 4) return null;
  const size = variableNumber(bytes, offset + idLength);
  if (size === null) return null;
  const id = unsignedOf(bytes.subarray(offset, offset + idLength));
  const sizeLength = size.end - offset - idLength;
  const isOpen = size.value === 2 ** (7 * sizeLength) - 1;
  return { id, byteCount: isOpen ? Infinity : size.value, contentStart: size.end };
}
