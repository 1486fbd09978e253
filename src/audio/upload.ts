import { startSpan, within } from './fetch/deadline.ts';
import { FetchError } from './fetch/fetch-error.ts';
import { DEFAULT_FETCH_LIMITS } from './fetch/limits.ts';

export interface UploadLimits {
  readonly bytesMax: number;
  /** Between two chunks. */
  readonly idleMs: number;
  /** From the first look at the upload to its end. */
  readonly totalMs: number;
}

/** An upload is held to what a download is held to. */
export const DEFAULT_UPLOAD_LIMITS: UploadLimits = {
  bytesMax: DEFAULT_FETCH_LIMITS.bodyBytesMax,
  idleMs: DEFAULT_FETCH_LIMITS.idleMs,
  totalMs: DEFAULT_FETCH_LIMITS.totalMs,
};

/**
 * Passes an upload on within its limits. Throws a `FetchError` where it breaks one or breaks off, or the signal's reason
 * after an abort. Whatever ends it early also ends `chunks`, which need not answer for that.
 */
export async function* readUpload(
  chunks: AsyncIterable<Uint8Array>,
  limits: UploadLimits,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  using span = startSpan(signal, 'upload', limits.totalMs);
  const iterator = chunks[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<Uint8Array, unknown>> => iterator.next().catch(throwBrokenOff);
  let ended = false;
  let bytesTotal = 0;
  try {
    for (;;) {
      const result = await within(span.signal, 'upload, idle', limits.idleMs, next);
      if (result.done === true) {
        ended = true;
        return;
      }
      bytesTotal += result.value.length;
      if (bytesTotal > limits.bytesMax) throw new FetchError('too_large', 'upload: over the limit of bytes');
      yield result.value;
    }
  } finally {
    // A sender that hangs would answer only after its next chunk, which may never come: nobody waits for it.
    if (!ended) void iterator.return?.().catch(() => {});
  }
}

function throwBrokenOff(error: unknown): never {
  throw new FetchError('failed', `upload: ${String(error)}`);
}
