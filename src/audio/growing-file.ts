import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

type GrowthListener = (bytesAvailable: number, ended: boolean) => void;

/** Bytes of audio in a file that may still be growing. Whoever holds it disposes it. */
export interface OpenAudio extends AsyncDisposable {
  /** A file that holds the bytes that have arrived. */
  readonly path: string;
  /** Bytes in the file so far. */
  readonly bytesAvailable: number;
  /**
   * Calls back when there are bytes to read, again as they grow (several writes in one call), and a last time with
   * `ended` once all are there. After a failure there are no more calls: `complete` tells. Returns a function that ends it.
   */
  follow(listener: GrowthListener): () => void;
  /** Resolves when all bytes are in the file; rejects with the `AppError` of the source or the reason of an abort. */
  readonly complete: Promise<void>;
}

export interface GrowingFileOptions {
  readonly temporaryDirectory: string;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Ends `chunks` early, when the file is disposed. */
  readonly stop: () => void;
}

/** A reader in another process needs to hear of growth a few times a block, not at every packet. */
const NOTICE_INTERVAL_MS = 20;

/** Writes chunks into a new temporary file as they come; disposing stops that and deletes the file. */
export async function createGrowingFile(options: GrowingFileOptions): Promise<OpenAudio> {
  const path = join(options.temporaryDirectory, `audio-${randomUUID()}`);
  const file = await open(path, 'wx', 0o600);
  const growth = createGrowth();

  async function write(): Promise<void> {
    try {
      for await (const chunk of options.chunks) {
        await file.appendFile(chunk);
        growth.grow(chunk.length);
      }
    } finally {
      await file.close();
    }
    growth.end();
  }

  const complete = write();
  // A failure is for whoever awaits it; nobody has to.
  complete.catch(() => {});
  return {
    path,
    get bytesAvailable() {
      return growth.bytes();
    },
    follow: (listener) => growth.follow(listener),
    complete,
    async [Symbol.asyncDispose]() {
      options.stop();
      await complete.catch(() => {});
      growth.stop();
      await rm(path, { force: true });
    },
  };
}

interface Growth {
  bytes(): number;
  grow(count: number): void;
  end(): void;
  stop(): void;
  follow(listener: GrowthListener): () => void;
}

function createGrowth(): Growth {
  const followers = new Set<{ readonly listener: GrowthListener }>();
  let bytes = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;

  function tell(follower: { readonly listener: GrowthListener }): void {
    if (!followers.has(follower)) return;
    if (ended) followers.delete(follower);
    follower.listener(bytes, ended);
  }

  function tellAll(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const follower of followers) tell(follower);
  }

  return {
    bytes: () => bytes,
    grow(count) {
      bytes += count;
      timer ??= setTimeout(tellAll, NOTICE_INTERVAL_MS);
    },
    end() {
      ended = true;
      tellAll();
    },
    stop() {
      clearTimeout(timer);
      followers.clear();
    },
    follow(listener) {
      const follower = { listener };
      followers.add(follower);
      if (bytes > 0 || ended) queueMicrotask(() => tell(follower));
      return () => void followers.delete(follower);
    },
  };
}
