/** Audio from standard input, in a temporary file until it has been heard. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { wavHeader } from '../../engines/wav.ts';
import { CommandError } from '../command.ts';

export interface SpooledAudio extends AsyncDisposable {
  readonly path: string;
}

/** More than the four hours of audio that can be transcribed have in any usual form. */
const BYTES_MAX = 4 * 2 ** 30;
/** What a wav header says of a length that nobody knows yet. */
const LENGTH_UNKNOWN = 0xffff_ffff;

/**
 * Takes everything until the end of the stream, as a microphone gives it.
 * @param rawRateHz of samples without any header, mono and of 16 bits; null for a file that says itself what it is.
 */
export async function spoolInput(
  input: Readable,
  rawRateHz: number | null,
  temporaryDirectory: string,
  signal: AbortSignal,
): Promise<SpooledAudio> {
  const folder = await mkdtemp(join(temporaryDirectory, 'earshot-input-'));
  const path = join(folder, 'audio');
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    // The stream is a stage by itself: what only read from it could not be stopped while nothing comes.
    await pipeline(
      input,
      (chunks: AsyncIterable<Uint8Array>) => withHeader(chunks, rawRateHz),
      createWriteStream(path, { mode: 0o600 }),
      { signal },
    );
    return { path, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    signal.throwIfAborted();
    throw error;
  }
}

async function* withHeader(input: AsyncIterable<Uint8Array>, rawRateHz: number | null): AsyncGenerator<Uint8Array> {
  if (rawRateHz !== null) yield wavHeader(LENGTH_UNKNOWN, rawRateHz);
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new CommandError('There is more audio on standard input than can be transcribed.');
    yield chunk;
  }
  if (bytes === 0) throw new CommandError('There is no audio on standard input.');
}
