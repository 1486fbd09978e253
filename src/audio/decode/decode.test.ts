import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { silentLogger } from '../../core/log.ts';
import type { Pool } from '../../workers/pool.ts';
import { createGrowingFile, type OpenAudio } from '../growing-file.ts';
import { segment } from '../segment.ts';
import { createDecodePool, createDecoder, type Decoder, type Recording } from './decode.ts';
import {
  chunk,
  finishedSource,
  FIXTURES,
  int16,
  levelDb,
  samplesOf,
  sine,
  sourceOf,
  wavFile,
} from './decode.test-files.ts';

const FORMATS = ['mp3', 'm4a', 'ogg', 'flac', 'webm'] as const;
const NAMES = readFileSync(join(FIXTURES, 'recordings.tsv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t')[0] ?? '');

let directory: string;
let pool: Pool;
let decoder: Decoder;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'earshot-decode-'));
  pool = createDecodePool({ size: 2, log: silentLogger });
  await pool.started;
  decoder = createDecoder({ pool, temporaryDirectory: directory, audioSecondsMax: 100, log: silentLogger });
});

after(async () => {
  await pool[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function decodeFile(path: string): Promise<Recording> {
  return decoder.decode(finishedSource(path), new AbortController().signal);
}

async function decodeBytes(bytes: Uint8Array): Promise<Recording> {
  return decoder.decode(await sourceOf(directory, bytes), new AbortController().signal);
}

async function assertRefused(decoding: Promise<Recording>, code: ErrorCode): Promise<void> {
  await assert.rejects(decoding, (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, code, error.detail);
    assert.equal(error.param, 'inputs.audio');
    return true;
  });
}

async function allSamples(recording: Recording): Promise<Float32Array> {
  return recording.read(0, recording.sampleCount);
}

test('every recording has the same length and the same sound in all formats', async () => {
  for (const name of NAMES) {
    const expected = samplesOf(await readFile(join(FIXTURES, `${name}.wav`)));
    for (const format of FORMATS) {
      await using recording = await decodeFile(join(FIXTURES, `${name}.${format}`));
      const label = `${name}.${format}`;
      assert.ok(Math.abs(recording.sampleCount - expected.length) <= 16, `${label}: ${recording.sampleCount} samples`);
      assert.ok(similarity(await allSamples(recording), expected) > 0.75, `${label} sounds different or is shifted`);
      assert.equal(recording.frames.probabilities.length, Math.ceil(recording.sampleCount / 512));
      assert.equal(recording.frames.levelsDb.length, recording.frames.probabilities.length);
    }
  }
});

/** Correlation of two signals, sample by sample. */
function similarity(one: Float32Array, other: Float32Array): number {
  const product = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  return product(one, other) / Math.sqrt(product(one, one) * product(other, other));
}

test('16-bit samples at 16 kHz come through unchanged', async () => {
  const expected = samplesOf(await readFile(join(FIXTURES, 'sense-amiable.wav')));
  await using recording = await decodeFile(join(FIXTURES, 'sense-amiable.wav'));
  assert.equal(recording.format, 'wav');
  assert.deepEqual(await allSamples(recording), expected);
  assert.deepEqual(await recording.read(1000, 1004), expected.slice(1000, 1004));
  assert.equal(recording.durationMs, Math.ceil(expected.length / 16));
});

test('a roar, silence, noise and a tone hold no speech', async () => {
  for (const file of ['t-rex-roar.mp3', 'silence.wav', 'noise.wav', 'tone.wav']) {
    await using recording = await decodeFile(join(FIXTURES, file));
    assert.deepEqual(segment(recording.frames, recording.sampleCount, { pieceSecondsMax: 28 }), [], file);
  }
});

test('speech at -60 dBFS is found as well as at its own level', async () => {
  const loud = samplesOf(await readFile(join(FIXTURES, 'sense-leisure.wav')));
  const gain = 10 ** ((-60 - levelDb(loud)) / 20);
  await using original = await decodeBytes(wavFile(int16(loud)));
  await using quiet = await decodeBytes(wavFile(int16(loud.map((value) => value * gain))));
  const share = (recording: Recording): number => {
    const { probabilities } = recording.frames;
    return probabilities.filter((value) => value >= 0.5).length / probabilities.length;
  };
  assert.ok(share(original) > 0.8);
  assert.ok(share(quiet) > share(original) - 0.05, `${share(quiet)} of the frames instead of ${share(original)}`);
});

test('a tenth of a second is enough', async () => {
  await using recording = await decodeBytes(wavFile(int16(sine(300, 0.1))));
  assert.equal(recording.sampleCount, 1600);
  assert.equal(recording.frames.probabilities.length, 4);
});

test('sources that send nothing more hold up nobody whose audio is all here', async () => {
  async function* neverEnding(stopped: Promise<void>): AsyncGenerator<Uint8Array> {
    yield readFileSync(join(FIXTURES, 'fabric.wav')).subarray(0, 20_000);
    await stopped;
  }
  const ends: (() => void)[] = [];
  const sources = Array.from({ length: 4 }, () => {
    const stopped = new Promise<void>((resolve) => ends.push(resolve));
    return createGrowingFile({ temporaryDirectory: directory, chunks: neverEnding(stopped), stop() {} });
  });
  const slow = (await Promise.all(sources)).map((source) => decoder.decode(source, new AbortController().signal));
  await using quick = await decodeFile(join(FIXTURES, 'fabric.mp3'));
  assert.equal(quick.durationMs, 10_600);
  for (const end of ends) end();
  for (const recording of await Promise.all(slow)) await recording[Symbol.asyncDispose]();
  for (const source of await Promise.all(sources)) await source[Symbol.asyncDispose]();
});

test('decoding follows a file that is still growing, and ends with it', async () => {
  const bytes = await readFile(join(FIXTURES, 'sense-leisure.mp3'));
  await using whole = await decodeFile(join(FIXTURES, 'sense-leisure.mp3'));
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += 10_000) {
      yield bytes.subarray(start, start + 10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await using source = await createGrowingFile({ temporaryDirectory: directory, chunks: chunks(), stop() {} });
  await using recording = await decoder.decode(source, new AbortController().signal);
  assert.deepEqual(await allSamples(recording), await allSamples(whole));
});

test('a source that fails on the way ends decoding with its own error', async () => {
  const bytes = await readFile(join(FIXTURES, 'sense-leisure.wav'));
  const failure = new AppError('audio_download_timeout');
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 100_000);
    throw failure;
  }
  await using source = await createGrowingFile({ temporaryDirectory: directory, chunks: chunks(), stop() {} });
  await assert.rejects(decoder.decode(source, new AbortController().signal), (error) => error === failure);
});

test('an abort ends the work with its reason, and the next file is decoded', async () => {
  const endless: OpenAudio = {
    ...finishedSource(join(FIXTURES, 'sense-leisure.wav')),
    follow(listener) {
      queueMicrotask(() => listener(50_000, false));
      return () => {};
    },
  };
  const controller = new AbortController();
  const decoding = decoder.decode(endless, controller.signal);
  const reason = new Error('enough');
  setImmediate(() => controller.abort(reason));
  await assert.rejects(decoding, (error) => error === reason);
  await using recording = await decodeFile(join(FIXTURES, 'seven-of-clubs.wav'));
  assert.ok(recording.sampleCount > 0);
});

test('audio above the limit is refused when the limit is reached', async () => {
  const hundredSeconds = new Uint8Array(100 * 32_000);
  await using recording = await decodeBytes(wavFile(hundredSeconds));
  assert.equal(recording.sampleCount, 1_600_000);
  await assertRefused(decodeBytes(wavFile(new Uint8Array(hundredSeconds.length + 2))), 'audio_too_long');
});

test('what is no audio is refused as a format, whatever it is', async () => {
  const kinds = {
    html: '<!doctype html><html><body>Not found</body></html>',
    json: '{"error":"not found"}',
    playlist: '#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n',
    concat: 'ffconcat version 1.0\nfile /etc/passwd\n',
    session: 'v=0\no=- 0 0 IN IP4 127.0.0.1\n',
    pdf: '%PDF-1.7\n',
    png: '\u0089PNG\r\n\u001a\n',
    zip: 'PK\u0003\u0004',
    elf: '\u007fELF',
    'one byte': 'x',
  };
  for (const content of Object.values(kinds)) {
    await assertRefused(decodeBytes(Buffer.from(content, 'latin1')), 'unsupported_audio_format');
  }
  await assertRefused(decodeBytes(new Uint8Array(1 << 20)), 'unsupported_audio_format');
});

test('an empty file and files without a sample are not decodable', async () => {
  await assertRefused(decodeBytes(new Uint8Array(0)), 'audio_not_decodable');
  await assertRefused(decodeBytes(wavFile(new Uint8Array(0))), 'audio_not_decodable');
  for (const header of ['RIFF\0\0\0\0WAVE', 'fLaC', 'OggS', '\u001aE\u00df\u00a3', '\0\0\0\u0018ftypM4A ']) {
    const code = header === 'OggS' || header.endsWith('\u00a3') ? 'no_audio_stream' : 'audio_not_decodable';
    await assertRefused(decodeBytes(Buffer.from(header, 'latin1')), code);
  }
});

test('a file that is cut off gives what is there of it, or is refused', async () => {
  for (const format of ['wav', ...FORMATS]) {
    const bytes = await readFile(join(FIXTURES, `sense-leisure.${format}`));
    await using whole = await decodeBytes(bytes);
    for (const share of [0.1, 0.5, 0.99]) {
      const part = bytes.subarray(0, Math.floor(bytes.length * share));
      // An m4a file's description stands at its end, and Vorbis's headers take more than a tenth of so short a file.
      if (format === 'm4a' || (format === 'ogg' && share === 0.1)) {
        await assertRefused(decodeBytes(part), 'audio_not_decodable');
        continue;
      }
      await using recording = await decodeBytes(part);
      const ratio = recording.sampleCount / whole.sampleCount;
      assert.ok(ratio <= 1 && Math.abs(ratio - share) < 0.15, `${format} cut at ${share}: ${ratio} of its samples`);
    }
  }
});

test('sizes in a wav header that lie do not matter', async () => {
  const data = int16(sine(440, 0.5));
  for (const claimedBytes of [0, 0xff_ff_ff_ff, data.length * 10]) {
    await using recording = await decodeBytes(wavFile(data, { claimedBytes }));
    assert.equal(recording.sampleCount, 8000, `${claimedBytes} bytes claimed`);
  }
});

test('chunks around the samples of a wav file are passed over', async () => {
  const data = int16(sine(440, 0.5));
  const list = chunk('LIST', Buffer.from('INFOISFT'));
  const file = Buffer.concat([wavFile(data, { chunks: [list, list] }), list]);
  await using recording = await decodeBytes(file);
  assert.equal(recording.sampleCount, 8000);
});

test('impossible wav headers are refused', async () => {
  const data = int16(sine(440, 0.1));
  const impossible = [
    { sampleRateHz: 0 },
    { sampleRateHz: 0xff_ff_ff_ff },
    { channelCount: 0 },
    { channelCount: 65_535, blockBytes: 0 },
    { bitsPerSample: 0, blockBytes: 0 },
    { formatTag: 0x55 },
    { formatTag: 2, blockBytes: 3 },
  ];
  for (const options of impossible) {
    await assertRefused(decodeBytes(wavFile(data, options)), 'audio_not_decodable');
  }
});

test('a tag of a quarter of a gigabyte before an mp3 needs no memory and changes nothing', async () => {
  const bytes = await readFile(join(FIXTURES, 'seven-of-clubs.mp3'));
  await using plain = await decodeBytes(bytes);
  const tag = Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, 0x7f, 0x7f, 0x7f, 0x7f]);
  const path = join(directory, 'tagged');
  const file = await open(path, 'w');
  await file.write(tag, 0, tag.length, 0);
  await file.write(bytes, 0, bytes.length, tag.length + 0x0f_ff_ff_ff);
  await file.close();
  await using tagged = await decodeFile(path);
  assert.equal(tagged.sampleCount, plain.sampleCount);
  await rm(path);
});

test('a process that dies is taken for damaged audio, and another one goes on', async () => {
  const [pid] = pool.pids();
  const waiting: OpenAudio = {
    ...finishedSource(join(FIXTURES, 'sense-leisure.wav')),
    follow(listener) {
      queueMicrotask(() => {
        listener(50_000, false);
        process.kill(pid ?? 0, 'SIGKILL');
      });
      return () => {};
    },
  };
  await assertRefused(decoder.decode(waiting, new AbortController().signal), 'audio_not_decodable');
  await using recording = await decodeFile(join(FIXTURES, 'seven-of-clubs.wav'));
  assert.ok(recording.sampleCount > 0);
});

test('nothing is left in the temporary directory', async () => {
  await rm(join(directory, 'source'), { force: true });
  assert.deepEqual(await readdir(directory), []);
});
