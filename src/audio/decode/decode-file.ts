/** The whole way from a file's bytes to samples on disk and speech probabilities, for one job. */
import { rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../core/errors.ts';
import { SAMPLE_RATE_HZ, type Damage } from '../../core/pcm.ts';
import type { JobContext } from '../../workers/serve-jobs.ts';
import type { Silero } from '../vad/silero.ts';
import { createSpeechDetector } from '../vad/speech-detector.ts';
import { LOST, type AudioBlock } from './audio-block.ts';
import { ByteReader } from './byte-reader.ts';
import { readAdts } from './containers/adts.ts';
import { readAiff } from './containers/aiff.ts';
import { readFlac } from './containers/flac.ts';
import { readMatroska } from './containers/matroska.ts';
import { readMp4 } from './containers/mp4.ts';
import { readMpeg } from './containers/mpeg.ts';
import { readOgg } from './containers/ogg.ts';
import { readWav } from './containers/wav.ts';
import { createDownMix } from './down-mix.ts';
import {
  FILES_OPEN,
  notDecodable,
  PROGRESS,
  tooLong,
  type AudioFormat,
  type DecodeJob,
  type DecodeResult,
  type Growth,
} from './job.ts';
import { PcmWriter } from './pcm-writer.ts';
import { recogniseFormat } from './recognise-format.ts';
import { createResampler, type Resampler } from './resample.ts';
import { SourceFile } from './source-file.ts';

/** Rates outside of these are damage: no microphone makes them. */
const RATE_HZ_MIN = 1000;
const RATE_HZ_MAX = 768_000;
const CHANNELS_MAX = 255;
/** Decoding leaves the event loop free for messages after this much audio. */
const SAMPLES_BETWEEN_PAUSES = 5 * SAMPLE_RATE_HZ;

const READERS: Readonly<Record<AudioFormat, (reader: ByteReader, secondsMax: number) => AsyncIterable<AudioBlock>>> = {
  wav: readWav,
  aiff: readAiff,
  mp3: readMpeg,
  aac: readAdts,
  mp4: readMp4,
  ogg: readOgg,
  flac: readFlac,
  webm: readMatroska,
};

/** Decodes one file. Refusals are `AppError`s; audio that breaks off gives what there is of it. */
export async function decodeFile(job: DecodeJob, context: JobContext, silero: Silero): Promise<DecodeResult> {
  const { signal } = context;
  await using source = await SourceFile.open(job.sourcePath, signal);
  using _removal = removedAtExit(job.pcmPath);
  await using writer = await PcmWriter.create(job.pcmPath);
  context.onMessage((growth) => source.grow(growth as Growth));
  context.note(FILES_OPEN);
  const reader = new ByteReader(source);
  const format = await recogniseFormat(reader);
  const detector = createSpeechDetector(silero);
  const sampleCountMax = job.audioSecondsMax * SAMPLE_RATE_HZ;
  let pauseAt = SAMPLES_BETWEEN_PAUSES;
  let detectMs = 0;
  let damage: Damage | null = null;
  for await (const { samples, isDamaged } of monoSamples(READERS[format](reader, job.audioSecondsMax))) {
    if (writer.sampleCount + samples.length > sampleCountMax) throw tooLong(job.audioSecondsMax);
    const start = writer.sampleCount;
    await writer.write(samples);
    if (isDamaged) damage = widened(damage, start, writer.sampleCount);
    const startMs = performance.now();
    await detector.push(samples);
    detectMs += performance.now() - startMs;
    if (writer.sampleCount < pauseAt) continue;
    pauseAt = writer.sampleCount + SAMPLES_BETWEEN_PAUSES;
    context.note(PROGRESS);
    await setImmediate();
    signal.throwIfAborted();
  }
  if (writer.sampleCount === 0) throw notDecodable(`The ${format} file holds no audio.`);
  await writer.flush();
  const { probabilities, levelsDb } = await detector.finish();
  return { sampleCount: writer.sampleCount, format, damage, probabilities, levelsDb, detectMs };
}

function widened(damage: Damage | null, start: number, end: number): Damage {
  return { start: damage?.start ?? start, end };
}

/** The file has a name until the server has opened it too. Should the server be gone by then, this process ends and takes it along. */
function removedAtExit(path: string): Disposable {
  const remove = (): void => rmSync(path, { force: true });
  process.once('exit', remove);
  return { [Symbol.dispose]: () => process.off('exit', remove) };
}

/** Audio on its way, mono at 16 kHz. */
interface MonoBlock {
  readonly samples: Float32Array;
  /** Some audio is missing in it or, where it is empty, in its place. */
  readonly isDamaged: boolean;
}

const NOTHING = new Float32Array(0);

/** The blocks as one channel at 16 kHz; their rate and channels may change on the way. */
async function* monoSamples(blocks: AsyncIterable<AudioBlock>): AsyncGenerator<MonoBlock, void, undefined> {
  const downMix = createDownMix();
  let resampler: Resampler | null = null;
  let rateHz = 0;
  for await (const { channels, sampleRateHz, isDamaged = false } of upToDamage(blocks)) {
    if (channels.length === 0) {
      yield { samples: NOTHING, isDamaged };
      continue;
    }
    if (channels.length > CHANNELS_MAX) throw notDecodable(`${channels.length} channels are impossible.`);
    if (!(sampleRateHz >= RATE_HZ_MIN && sampleRateHz <= RATE_HZ_MAX)) {
      throw notDecodable(`A sample rate of ${sampleRateHz} Hz is impossible.`);
    }
    if (resampler === null || sampleRateHz !== rateHz) {
      if (resampler !== null) yield { samples: resampler.finish(), isDamaged: false };
      resampler = createResampler(sampleRateHz);
      rateHz = sampleRateHz;
    }
    yield { samples: resampler.push(downMix.mix(channels)), isDamaged };
  }
  if (resampler !== null) yield { samples: resampler.finish(), isDamaged: false };
}

/**
 * Whatever a damaged file makes a decoder throw means that nothing more comes out of it. What came before stands, as with
 * a file that was cut off; without any it is the file that is at fault.
 */
async function* upToDamage(blocks: AsyncIterable<AudioBlock>): AsyncGenerator<AudioBlock, void, undefined> {
  let isAny = false;
  try {
    for await (const block of blocks) {
      isAny ||= block.channels.length > 0;
      yield block;
    }
  } catch (error) {
    if (!isAny || (error instanceof AppError && error.code !== 'audio_not_decodable')) {
      throw error instanceof AppError ? error : notDecodable(String(error), error);
    }
    yield LOST;
  }
}
