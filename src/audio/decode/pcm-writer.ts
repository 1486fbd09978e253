import { open, type FileHandle } from 'node:fs/promises';

const BUFFER_SAMPLES = 1 << 16;

/** Writes samples in [-1, 1] as signed 16-bit little-endian numbers into a new file; louder ones are cut off at full scale. */
export class PcmWriter implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #buffer = new Int16Array(BUFFER_SAMPLES);
  #filled = 0;
  #sampleCount = 0;

  static async create(path: string): Promise<PcmWriter> {
    return new PcmWriter(await open(path, 'wx', 0o600));
  }

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Samples taken so far. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  async write(samples: Float32Array): Promise<void> {
    for (let start = 0; start < samples.length;) {
      const end = Math.min(samples.length, start + this.#buffer.length - this.#filled);
      for (let index = start; index < end; index += 1) {
        const scaled = Math.round((samples[index] ?? 0) * 32_768);
        this.#buffer[this.#filled] = Math.max(-32_768, Math.min(32_767, scaled));
        this.#filled += 1;
      }
      start = end;
      if (this.#filled === this.#buffer.length) await this.flush();
    }
    this.#sampleCount += samples.length;
  }

  async flush(): Promise<void> {
    const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#filled * 2);
    for (let offset = 0; offset < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, offset, bytes.length - offset);
      offset += bytesWritten;
    }
    this.#filled = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
