import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import type { Span } from './deadline.ts';
import { FetchError, networkError } from './fetch-error.ts';
import type { FetchLimits } from './limits.ts';

/**
 * Reads a body within its limits. Only the time in which the source is waited for counts against it: a slow reader, such
 * as a busy disk, is not the source's fault.
 */
export async function* readBody(
  answer: IncomingMessage,
  call: Span,
  limits: FetchLimits,
  clock: Clock,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks: AsyncIterator<Uint8Array, undefined> = answer[Symbol.asyncIterator]();
  const { socket } = answer;
  let bytesTotal = 0;
  let windowBytes = 0;
  let windowMs = 0;
  for (;;) {
    const waitedSince = clock.now();
    const chunk = await nextChunk(chunks, call, limits.idleMs);
    if (chunk === null) {
      // A body without a length ends with its connection, and Node takes any end for that one: an abort, a reset.
      call.signal.throwIfAborted();
      if (socket.errored !== null) throw networkError('body', socket.errored);
      return;
    }

    bytesTotal += chunk.length;
    if (bytesTotal > limits.bodyBytesMax) throw new FetchError('too_large', 'body: over the limit of bytes');
    windowBytes += chunk.length;
    windowMs += clock.now() - waitedSince;
    if (windowMs >= limits.rateWindowMs) {
      if (windowBytes * 1_000 < limits.bytesPerSecondMin * windowMs) throw new FetchError('timeout', 'body: too slow');
      windowBytes = 0;
      windowMs = 0;
    }
    yield chunk;
  }
}

async function nextChunk(
  chunks: AsyncIterator<Uint8Array, undefined>,
  call: Span,
  idleMs: number,
): Promise<Uint8Array | null> {
  const timer = setTimeout(() => call.abort(new FetchError('timeout', `body: nothing for ${idleMs} ms`)), idleMs);
  try {
    const next = await chunks.next();
    return next.done === true ? null : next.value;
  } catch (error) {
    throw call.signal.aborted ? call.signal.reason : networkError('body', error);
  } finally {
    clearTimeout(timer);
  }
}
