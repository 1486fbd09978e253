/** Decoding as the rest of the program sees it: from the bytes of a source to samples in a file, by way of a decoder process. */
import { randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, assert } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { samplesToMs, type Pcm, type SpeechFrames } from '../../core/pcm.ts';
import { createPool, type Pool } from '../../workers/pool.ts';
import type { OpenAudio } from '../growing-file.ts';
import { FILES_OPEN, type AudioFormat, type DecodeJob, type DecodeResult, type Growth } from './job.ts';

/** Decoded audio with what was found out about it on the way. */
export interface Recording extends Pcm {
  readonly frames: SpeechFrames;
  /** The container that its bytes were in. */
  readonly format: AudioFormat;
  /** How much of the decoding's time went into speech detection. */
  readonly detectMs: number;
}

export interface Decoder {
  /**
   * Decodes a source while its bytes are still arriving. Rejects with an `AppError` on `inputs.audio`
   * (`unsupported_audio_format`, `no_audio_stream`, `audio_not_decodable`, `audio_too_long`), with the source's own error
   * where its bytes stop coming, or with the signal's reason once the work has stopped.
   */
  decode(source: OpenAudio, signal: AbortSignal): Promise<Recording>;
}

export interface DecoderOptions {
  readonly pool: Pool;
  /** Where samples lie while they are needed. The files have no name there once both sides hold them open. */
  readonly temporaryDirectory: string;
  /** Decoded seconds above which audio is refused. */
  readonly audioSecondsMax: number;
  readonly log: Logger;
}

const MEMORY_BYTES_MAX = 700_000_000;
/** Longer than any download may take, and then hours of audio. */
const JOB_MS_MAX = 600_000;
/** A few seconds of audio cost a small part of this, even on a slow machine: longer than that, a decoder goes in circles. */
const CPU_MS_BETWEEN_NOTES_MAX = 20_000;
const CANCEL_GRACE_MS = 500;

/** Starts the decoder processes: each works on one file at a time. */
export function createDecodePool({ size, log }: { readonly size: number; readonly log: Logger }): Pool {
  return createPool({
    entry: new URL('./worker.js', import.meta.url),
    name: 'decoder',
    size,
    setup: null,
    jobsMax: 1,
    memoryBytesMax: MEMORY_BYTES_MAX,
    cpuMsBetweenNotesMax: CPU_MS_BETWEEN_NOTES_MAX,
    jobMsMax: JOB_MS_MAX,
    cancelGraceMs: CANCEL_GRACE_MS,
    crashCode: 'audio_not_decodable',
    niceness: 5,
    log,
  });
}

export function createDecoder({ pool, temporaryDirectory, audioSecondsMax, log }: DecoderOptions): Decoder {
  let waitingForBytes = 0;

  /**
   * A decoder may wait for the bytes of a source that is still arriving, but one always stays free for audio that is all
   * here: otherwise a few slow sources would hold up everybody.
   */
  async function turnOf(source: OpenAudio): Promise<void> {
    if (waitingForBytes >= pool.size - 1) return source.complete;
    waitingForBytes += 1;
    const end = (): void => void (waitingForBytes -= 1);
    source.complete.then(end, end);
  }

  return {
    async decode(source, signal) {
      await turnOf(source);
      const pcmPath = join(temporaryDirectory, `pcm-${randomUUID()}`);
      const job: DecodeJob = { sourcePath: source.path, pcmPath, audioSecondsMax };
      const pcm: { opening: Promise<FileHandle> | null } = { opening: null };
      try {
        const result = await runJob(pool, job, source, signal, () => {
          pcm.opening = openAndUnlink(pcmPath);
          // Whoever awaits it below hears of a failure; after a failure of the job nobody does.
          pcm.opening.catch(() => {});
        });
        assert(pcm.opening !== null, 'a job that has ended well has opened its files');
        const recording = createRecording(await pcm.opening, result);
        log.debug({ format: result.format, durationMs: recording.durationMs }, 'audio-decode-end');
        return recording;
      } catch (error) {
        await closeQuietly(pcm.opening);
        throw error;
      } finally {
        await rm(pcmPath, { force: true });
      }
    },
  };
}

/** Runs the job and keeps it told of the source's growth; a source that fails ends it with the source's error. */
async function runJob(
  pool: Pool,
  job: DecodeJob,
  source: OpenAudio,
  signal: AbortSignal,
  onFilesOpen: () => void,
): Promise<DecodeResult> {
  const sourceFailed = new AbortController();
  source.complete.catch((error: unknown) => sourceFailed.abort(error));
  let unfollow = (): void => {};
  try {
    return await pool.run<DecodeResult>(job, {
      signal: AbortSignal.any([signal, sourceFailed.signal]),
      onNote: (note) => note === FILES_OPEN && onFilesOpen(),
      onStart(send) {
        unfollow = source.follow((bytesAvailable, ended) => send({ bytesAvailable, ended } satisfies Growth));
      },
    });
  } catch (error) {
    throw onInput(error);
  } finally {
    unfollow();
  }
}

/** A process that crashed or was killed knows nothing of requests: it is the audio that was at fault. */
function onInput(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'audio_not_decodable' || error.param !== null) return error;
  return new AppError(error.code, {
    param: 'inputs.audio',
    cause: error,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  });
}

/** From here on the file goes away by itself, whatever becomes of this process. */
async function openAndUnlink(path: string): Promise<FileHandle> {
  const handle = await open(path, 'r');
  await rm(path, { force: true });
  return handle;
}

async function closeQuietly(opening: Promise<FileHandle> | null): Promise<void> {
  const handle = await opening?.catch(() => null);
  await handle?.close();
}

const SAMPLE_BYTES = 2;

function createRecording(handle: FileHandle, result: DecodeResult): Recording {
  const { sampleCount, format, damage, probabilities, levelsDb, detectMs } = result;
  return {
    sampleCount,
    durationMs: samplesToMs(sampleCount),
    damage,
    frames: { probabilities, levelsDb },
    format,
    detectMs,
    async read(start, end) {
      assert(start >= 0 && start <= end && end <= sampleCount, 'samples are read inside of the recording');
      const stored = new Int16Array(end - start);
      const bytes = new Uint8Array(stored.buffer);
      for (let offset = 0; offset < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, offset, bytes.length - offset, start * SAMPLE_BYTES + offset);
        assert(bytesRead > 0, 'the file holds all samples of the recording');
        offset += bytesRead;
      }
      // A plain loop: `Float32Array.from` takes ten times as long, and every call in the process waits for it.
      const samples = new Float32Array(stored.length);
      for (let index = 0; index < stored.length; index += 1) samples[index] = (stored[index] ?? 0) / 32_768;
      return samples;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
