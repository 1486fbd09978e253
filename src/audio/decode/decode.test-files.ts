/** Audio files and sources for the tests of decoding. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { OpenAudio } from '../growing-file.ts';

export const FIXTURES = join(import.meta.dirname, '../../../fixtures/audio');

export const FORMAT_FIXTURES = join(import.meta.dirname, '../../../fixtures/formats');

export interface WavOptions {
  readonly sampleRateHz?: number;
  readonly formatTag?: number;
  readonly bitsPerSample?: number;
  readonly blockBytes?: number;
  readonly channelCount?: number;
  /** What the data chunk claims to hold, where that is not what it holds. */
  readonly claimedBytes?: number;
  /** Chunks between the format and the data. */
  readonly chunks?: readonly Buffer[];
}

/** A wav file with `data` as its samples: 16 bits, mono, 16 kHz where nothing else is said. */
export function wavFile(data: Uint8Array, options: WavOptions = {}): Buffer {
  const { sampleRateHz = 16_000, formatTag = 1, bitsPerSample = 16, channelCount = 1, chunks = [] } = options;
  const blockBytes = options.blockBytes ?? (channelCount * bitsPerSample) / 8;
  const format = Buffer.alloc(16);
  format.writeUInt16LE(formatTag, 0);
  format.writeUInt16LE(channelCount, 2);
  format.writeUInt32LE(sampleRateHz, 4);
  format.writeUInt32LE((sampleRateHz * blockBytes) >>> 0, 8);
  format.writeUInt16LE(blockBytes, 12);
  format.writeUInt16LE(bitsPerSample, 14);
  const dataChunk = chunk('data', data);
  dataChunk.writeUInt32LE(options.claimedBytes ?? data.length, 4);
  const body = Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', format), ...chunks, dataChunk]);
  return chunk('RIFF', body);
}

export function chunk(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 'latin1');
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

/** Samples in [-1, 1] as 16-bit numbers. */
export function int16(samples: Float32Array): Uint8Array {
  const stored = Int16Array.from(samples, (value) => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))));
  return new Uint8Array(stored.buffer);
}

export function sine(frequencyHz: number, seconds: number, sampleRateHz = 16_000, amplitude = 0.5): Float32Array {
  return Float32Array.from(
    { length: Math.round(seconds * sampleRateHz) },
    (_, index) => amplitude * Math.sin((2 * Math.PI * frequencyHz * index) / sampleRateHz),
  );
}

/** Level in dBFS, root mean square. */
export function levelDb(samples: Float32Array): number {
  return 10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

/** The samples of a wav file that `wavFile` or the fixtures' script has made. */
export function samplesOf(wav: Buffer): Float32Array {
  const data = wav.subarray(wav.indexOf('data') + 8);
  return Float32Array.from({ length: data.length >> 1 }, (_, index) => data.readInt16LE(index * 2) / 32_768);
}

/** A file that has all of its bytes. */
export function finishedSource(path: string): OpenAudio {
  return {
    path,
    bytesAvailable: 0,
    follow(listener) {
      queueMicrotask(() => listener(Number.MAX_SAFE_INTEGER, true));
      return () => {};
    },
    complete: Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export async function sourceOf(directory: string, bytes: Uint8Array): Promise<OpenAudio> {
  const path = join(directory, 'source');
  await writeFile(path, bytes);
  return finishedSource(path);
}

/** The code of the refusal that a decoding ends with. */
export async function refusalOf(decoding: Promise<AsyncDisposable>): Promise<string> {
  try {
    await using _recording = await decoding;
    return 'decoded';
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}
