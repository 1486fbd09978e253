import { notDecodable } from './job.ts';

/** Where a `ByteReader` gets its bytes: fills `target` from `position`, and gives fewer only at the end. */
export interface ByteSource {
  read(target: Uint8Array, position: number): Promise<number>;
}

const READ_BYTES = 1 << 16;
/** No frame, page or box that has to lie in memory as a whole is larger in honest files. */
const WINDOW_BYTES_MAX = 1 << 26;

/** A window that moves over a file: it reads on as far as it is asked to, and skips without reading. */
export class ByteReader {
  readonly #source: ByteSource;
  #buffer = new Uint8Array(READ_BYTES);
  /** The window lies at `#start` to `#end` of the buffer; its first byte is the file's at `position`. */
  #start = 0;
  #end = 0;
  #position = 0;
  #sourceEnded = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Offset in the file of the window's first byte. */
  get position(): number {
    return this.#position;
  }

  /** What the window holds; valid until the next call that reads. */
  get window(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Widens the window to at least `byteCount` bytes; false where the file ends before. */
  async fill(byteCount: number): Promise<boolean> {
    while (this.#end - this.#start < byteCount) {
      if (this.#sourceEnded) return false;
      if (byteCount > WINDOW_BYTES_MAX) throw notDecodable(`A part of ${byteCount} bytes does not fit into memory.`);
      this.#makeRoom(byteCount);
      await this.#readMore();
    }
    return true;
  }

  /** The next `byteCount` bytes, copied, and moves behind them; null where the file ends before. */
  async take(byteCount: number): Promise<Uint8Array | null> {
    if (!(await this.fill(byteCount))) return null;
    const bytes = this.#buffer.slice(this.#start, this.#start + byteCount);
    this.skip(byteCount);
    return bytes;
  }

  /** Moves forward without reading what lies between. */
  skip(byteCount: number): void {
    this.seek(this.#position + byteCount);
  }

  seek(position: number): void {
    const target = this.#start + position - this.#position;
    if (position >= this.#position && target <= this.#end) {
      this.#start = target;
    } else {
      this.#start = 0;
      this.#end = 0;
      this.#sourceEnded = false;
    }
    this.#position = position;
  }

  #makeRoom(byteCount: number): void {
    const wanted = Math.max(byteCount, READ_BYTES);
    if (this.#start + wanted <= this.#buffer.length) return;
    const held = this.window;
    if (wanted > this.#buffer.length) {
      this.#buffer = new Uint8Array(wanted * 2);
      this.#buffer.set(held);
    } else {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = held.length;
  }

  async #readMore(): Promise<void> {
    const target = this.#buffer.subarray(this.#end, Math.min(this.#end + READ_BYTES, this.#buffer.length));
    const byteCount = await this.#source.read(target, this.#position + this.#end - this.#start);
    this.#end += byteCount;
    if (byteCount < target.length) this.#sourceEnded = true;
  }
}
