/** The file of weights beside a graph, written from its beginning to its end. */
import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { Extent } from '../graph/onnx.ts';

/** Where tensors begin: at a page, so that the file can be mapped into memory. */
const ALIGNMENT = 4096;

export interface WrittenFile {
  readonly bytes: number;
  readonly sha256: string;
}

export class WeightsFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #bytes = 0;

  static async create(path: string): Promise<WeightsFile> {
    return new WeightsFile(await open(path, 'wx'));
  }

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Writes one tensor from its parts. */
  async tensor(parts: AsyncIterable<ArrayBufferView> | Iterable<ArrayBufferView>): Promise<Extent> {
    await this.#write(new Uint8Array((ALIGNMENT - (this.#bytes % ALIGNMENT)) % ALIGNMENT));
    const offset = this.#bytes;
    for await (const { buffer, byteOffset, byteLength } of parts) {
      await this.#write(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return { offset, length: this.#bytes - offset };
  }

  async finish(): Promise<WrittenFile> {
    await this.#file.sync();
    await this.#file.close();
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** After `finish` there is nothing left to close. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, done);
      done += bytesWritten;
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }
}
