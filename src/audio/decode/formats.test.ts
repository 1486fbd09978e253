/** Every format that is decoded: its name, its length and its sound, from files that common encoders have made. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import { SAMPLE_RATE_HZ } from '../../core/pcm.ts';
import type { Pool } from '../../workers/pool.ts';
import { createDecodePool, createDecoder, type Decoder, type Recording } from './decode.ts';
import { FIXTURES, FORMAT_FIXTURES, finishedSource, refusalOf, samplesOf, sourceOf } from './decode.test-files.ts';
import type { AudioFormat } from './job.ts';

/** The part of the recording that is in each file. */
const SAMPLES = 1.5 * SAMPLE_RATE_HZ;
/** For files that carry their exact length; encoders round it to their own blocks. */
const EXACT_MS = 16;
/** For files that don't: one codec block at either end. */
const BLOCK_MS = 120;

interface Expected {
  readonly format: AudioFormat;
  readonly toleranceMs?: number;
  /** How often the recording is in the file. */
  readonly times?: number;
}

const WAV: Expected = { format: 'wav' };
const MP4: Expected = { format: 'mp4' };
const MP3: Expected = { format: 'mp3' };
const FLAC: Expected = { format: 'flac' };
const WEBM: Expected = { format: 'webm' };
const OGG: Expected = { format: 'ogg' };
const AIFF: Expected = { format: 'aiff' };

const FILES: Readonly<Record<string, Expected>> = {
  'pcm_u8.wav': WAV,
  'pcm_s16le.wav': WAV,
  'pcm_s24le.wav': WAV,
  'pcm_s32le.wav': WAV,
  'pcm_f32le.wav': WAV,
  'pcm_f64le.wav': WAV,
  'pcm_mulaw.wav': WAV,
  'pcm_alaw.wav': WAV,
  'extensible.wav': WAV,
  'rf64.wav': WAV,
  'adpcm_ima_wav.wav': { ...WAV, toleranceMs: BLOCK_MS },
  'adpcm_ms.wav': { ...WAV, toleranceMs: BLOCK_MS },
  'stereo.adpcm_ima_wav.wav': { ...WAV, toleranceMs: BLOCK_MS },
  'stereo.adpcm_ms.wav': { ...WAV, toleranceMs: BLOCK_MS },
  'big-endian.aiff': AIFF,
  'little-endian.aifc': AIFF,
  '8000.mp3': MP3,
  '11025.mp3': MP3,
  '12000.mp3': MP3,
  '16000.mp3': MP3,
  '22050.mp3': MP3,
  '24000.mp3': MP3,
  '32000.mp3': MP3,
  '44100.mp3': MP3,
  '48000.mp3': MP3,
  'stereo.mp3': MP3,
  'variable.mp3': MP3,
  'untagged.mp3': { ...MP3, toleranceMs: BLOCK_MS },
  '44100.mp2': { ...MP3, toleranceMs: BLOCK_MS },
  '24000.mp2': { ...MP3, toleranceMs: BLOCK_MS },
  'last.m4a': MP4,
  'first.m4a': MP4,
  'alac.m4a': MP4,
  'alac-24.m4a': MP4,
  'opus.mp4': MP4,
  'quicktime.mov': MP4,
  'video.mp4': MP4,
  'fragmented.m4a': { ...MP4, toleranceMs: BLOCK_MS },
  'video-fragmented.mp4': { ...MP4, toleranceMs: BLOCK_MS },
  '22050.aac': { format: 'aac', toleranceMs: BLOCK_MS },
  'vorbis.ogg': OGG,
  'opus.ogg': OGG,
  'flac.oga': OGG,
  'chained-vorbis.ogg': { ...OGG, times: 2 },
  'chained-kinds.ogg': { ...OGG, times: 2 },
  '16-bit.flac': FLAC,
  '24-bit.flac': FLAC,
  '96000.flac': FLAC,
  'eight-channels.flac': FLAC,
  'opus.webm': WEBM,
  'vorbis.webm': WEBM,
  'live.webm': WEBM,
  'video.webm': WEBM,
};

const REFUSED = {
  'speex.ogg': 'audio_not_decodable',
  'mp3.wav': 'audio_not_decodable',
  'encrypted.mp4': 'audio_not_decodable',
  'apple.caf': 'unsupported_audio_format',
  'stream.mpegts': 'unsupported_audio_format',
} as const;

let directory: string;
let pool: Pool;
let decoder: Decoder;
let spoken: Float32Array;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'earshot-formats-'));
  pool = createDecodePool({ size: 1, log: silentLogger });
  await pool.started;
  decoder = createDecoder({ pool, temporaryDirectory: directory, audioSecondsMax: 100, log: silentLogger });
  spoken = samplesOf(await readFile(join(FIXTURES, 'seven-of-clubs.wav'))).slice(0, SAMPLES);
});

after(async () => {
  await pool[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function decode(path: string): Promise<Recording> {
  return decoder.decode(finishedSource(path), new AbortController().signal);
}

async function decodeBytes(bytes: Uint8Array): Promise<Recording> {
  return decoder.decode(await sourceOf(directory, bytes), new AbortController().signal);
}

/** The best correlation with the recording, wherever in the tolerance the sound begins. */
function similarity(samples: Float32Array, lagMax: number): number {
  let best = 0;
  for (let lag = 0; lag <= lagMax; lag += 1) {
    let [product, one, other] = [0, 0, 0];
    for (let index = 4000; index < 16_000; index += 1) {
      const [a = 0, b = 0] = [spoken[index], samples[index + lag]];
      product += a * b;
      one += a * a;
      other += b * b;
    }
    best = Math.max(best, product / Math.sqrt(one * other));
  }
  return best;
}

async function assertSpoken(recording: Recording, expected: Expected): Promise<void> {
  const { format, toleranceMs = EXACT_MS, times = 1 } = expected;
  const offMs = (recording.sampleCount / SAMPLE_RATE_HZ) * 1000 - times * 1500;
  assert.equal(recording.format, format);
  assert.ok(Math.abs(offMs) <= toleranceMs, `${offMs} ms longer`);
  assert.equal(recording.damage, null);
  const lagMax = toleranceMs > EXACT_MS ? 16 * toleranceMs : 8;
  for (let turn = 0; turn < times; turn += 1) {
    const start = Math.floor((turn * recording.sampleCount) / times);
    const end = Math.floor(((turn + 1) * recording.sampleCount) / times);
    const alike = similarity(await recording.read(start, end), lagMax);
    assert.ok(alike > 0.85, `a correlation of ${alike}`);
  }
}

for (const [name, expected] of Object.entries(FILES)) {
  test(`${name} is decoded to its own length and sound`, async () => {
    await using recording = await decode(join(FORMAT_FIXTURES, name));
    await assertSpoken(recording, expected);
  });
}

for (const [name, code] of Object.entries(REFUSED)) {
  test(`${name} is recognised and refused: ${code}`, async () => {
    assert.equal(await refusalOf(decode(join(FORMAT_FIXTURES, name))), code);
  });
}

test('every file of the fixtures has its line here', async () => {
  const names = (await readdir(FORMAT_FIXTURES)).filter((name) => name !== 'seeds' && name !== 'README.md');
  assert.deepEqual(names.sort(), [...Object.keys(FILES), ...Object.keys(REFUSED)].sort());
});

test('sizes of 64 bits that are not filled in do not matter', async () => {
  const bytes = await readFile(join(FORMAT_FIXTURES, 'rf64.wav'));
  bytes.fill(0, bytes.indexOf('ds64') + 8, bytes.indexOf('ds64') + 32);
  await using recording = await decodeBytes(bytes);
  await assertSpoken(recording, WAV);
});

test('AAC that is announced as HE-AAC comes out at twice its rate, with the same length and sound', async () => {
  // The description of a stream at 22.05 kHz for decoders that double the rate; the stream brings no high band of its own.
  const bytes = await readFile(join(FORMAT_FIXTURES, 'first.m4a'));
  const at = bytes.indexOf(Buffer.of(0x05, 0x80, 0x80, 0x80, 0x05)) + 5;
  const plain = bytes.subarray(at, at + 5);
  assert.equal((plain[0] ?? 0) >> 3, 2, 'the encoder describes AAC-LC in five bytes');
  // Object type 5 (SBR), 22.05 kHz (7), one channel, 44.1 kHz (4) with it, object type 2 below.
  bytes.set([0x2b, 0x8a, 0x10, 0x00], at);
  await using recording = await decodeBytes(bytes);
  await assertSpoken(recording, { ...MP4, toleranceMs: BLOCK_MS });
});

test('what is broken in the middle or cut off is decoded up to there, and the recording says where', async () => {
  const paths = [
    join(FORMAT_FIXTURES, 'first.m4a'),
    join(FORMAT_FIXTURES, 'opus.webm'),
    join(FIXTURES, 'sense-leisure.ogg'),
  ];
  for (const path of paths) {
    const bytes = await readFile(path);
    await using whole = await decodeBytes(bytes);
    await using recording = await decodeBytes(bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    const { damage, sampleCount } = recording;
    assert.ok(damage !== undefined && damage !== null, path);
    assert.ok(sampleCount > 0 && sampleCount < whole.sampleCount, path);
    // The last few samples come out of the resampler when all else is over.
    assert.ok(
      sampleCount - damage.start < 200 && damage.end <= sampleCount,
      `${path}: ${damage.start} of ${sampleCount}`,
    );
  }
});

test('damage between two good parts is named by its place', async () => {
  const bytes = await readFile(join(FORMAT_FIXTURES, '16-bit.flac'));
  bytes.fill(0, 22_000, 22_100);
  await using recording = await decodeBytes(bytes);
  assert.ok(recording.damage !== undefined && recording.damage !== null);
  assert.ok(recording.damage.start > 0.1 * SAMPLES && recording.damage.end < SAMPLES);
});
