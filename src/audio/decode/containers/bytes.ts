/** Reading fixed parts of headers. */

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes as Latin-1 characters. */
export function ascii(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

export function startsWith(bytes: Uint8Array, text: string, offset = 0): boolean {
  return bytes.length >= offset + text.length && ascii(bytes, offset, offset + text.length) === text;
}
