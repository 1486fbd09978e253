import { open, type FileHandle } from 'node:fs/promises';
import type { Growth } from './job.ts';

/** A file that is read while another process still writes it: reads wait for bytes that have not arrived yet. */
export class SourceFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal;
  #bytesAvailable = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  static async open(path: string, signal: AbortSignal): Promise<SourceFile> {
    return new SourceFile(await open(path, 'r'), signal);
  }

  private constructor(handle: FileHandle, signal: AbortSignal) {
    this.#handle = handle;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  /** Takes the news of how far the file has grown; until the first of them there is nothing to read. */
  grow({ bytesAvailable, ended }: Growth): void {
    this.#bytesAvailable = bytesAvailable;
    this.#ended = ended;
    this.#wake?.();
  }

  /** Fills `target` from `position`; gives fewer bytes only at the end of the file. Rejects with the signal's reason. */
  async read(target: Uint8Array, position: number): Promise<number> {
    // A damaged file may send its reader anywhere: so far out there is nothing, and Node would refuse the number.
    if (!Number.isSafeInteger(position + target.length)) return 0;
    while (!this.#ended && this.#bytesAvailable < position + target.length) {
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    this.#signal.throwIfAborted();
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await this.#handle.read(target, filled, target.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
