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
import {
  FIXTURES,
  FORMAT_FIXTURES,
  finishedSource,
  levelDb,
  refusalOf,
  samplesOf,
  sourceOf,
} from './decode.test-files.ts';
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
  /** The least correlation with the recording. */
  readonly alikeMin?: number;
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
  // Nearly half of the recording's energy lies in the band that is only described.
  'he.m4a': { ...MP4, alikeMin: 0.7 },
  'he-v2.m4a': MP4,
  'he.aac': { format: 'aac', toleranceMs: BLOCK_MS },
  'he-v2.aac': { format: 'aac', toleranceMs: BLOCK_MS },
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
  const { format, toleranceMs = EXACT_MS, times = 1, alikeMin = 0.85 } = expected;
  const offMs = (recording.sampleCount / SAMPLE_RATE_HZ) * 1000 - times * 1500;
  assert.equal(recording.format, format);
  assert.ok(Math.abs(offMs) <= toleranceMs, `${offMs} ms longer`);
  assert.equal(recording.damage, null);
  const lagMax = toleranceMs > EXACT_MS ? 16 * toleranceMs : 8;
  for (let turn = 0; turn < times; turn += 1) {
    const start = Math.floor((turn * recording.sampleCount) / times);
    const end = Math.floor(((turn + 1) * recording.sampleCount) / times);
    const alike = similarity(await recording.read(start, end), lagMax);
    assert.ok(alike > alikeMin, `a correlation of ${alike}`);
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

test('the high band of HE-AAC is heard, of which the coded low band holds nothing', async () => {
  await using recording = await decode(join(FORMAT_FIXTURES, 'he.m4a'));
  const samples = await recording.read(0, recording.sampleCount);
  // The low band is coded at 11.025 kHz and ends at 5.5 kHz at the latest.
  const offDb = bandDb(samples, 6000, 7000) - bandDb(spoken, 6000, 7000);
  assert.ok(Math.abs(offDb) < 4, `${offDb} dB off`);
});

/** The level of what lies between two frequencies, as a sum over the Fourier transform. */
function bandDb(samples: Float32Array, fromHz: number, toHz: number): number {
  let energy = 0;
  for (let hz = fromHz; hz < toHz; hz += 10) {
    let [real, imaginary] = [0, 0];
    for (const [index, sample] of samples.entries()) {
      const angle = (2 * Math.PI * hz * index) / SAMPLE_RATE_HZ;
      real += sample * Math.cos(angle);
      imaginary += sample * Math.sin(angle);
    }
    energy += real * real + imaginary * imaginary;
  }
  return 10 * Math.log10(energy);
}

test('tags behind the last frame cost none of the audio', async () => {
  const tags = [
    Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125, 'x')]),
    Buffer.concat([Buffer.from('APETAGEX'), Buffer.of(0xd0, 7, 0, 0, 32, 0, 0, 0), Buffer.alloc(16)]),
  ];
  for (const name of ['stereo.mp3', '22050.aac', '44100.mp2']) {
    const bytes = await readFile(join(FORMAT_FIXTURES, name));
    await using untagged = await decodeBytes(bytes);
    for (const tag of tags) {
      await using tagged = await decodeBytes(Buffer.concat([bytes, tag]));
      assert.equal(tagged.sampleCount, untagged.sampleCount, name);
    }
  }
});

test('ID3 tags in front are passed over in files that have no place for them', async () => {
  // Two tags of 128 bytes, their sizes written with seven bits a byte.
  const tag = Buffer.concat([Buffer.from('ID3'), Buffer.of(4, 0, 0, 0, 0, 1, 0), Buffer.alloc(128)]);
  for (const [name, expected] of [
    ['16-bit.flac', FLAC],
    ['pcm_s16le.wav', WAV],
    ['big-endian.aiff', AIFF],
    ['opus.ogg', OGG],
  ] as const) {
    await using recording = await decodeBytes(Buffer.concat([tag, tag, await readFile(join(FORMAT_FIXTURES, name))]));
    await assertSpoken(recording, expected);
  }
});

test("the gain in an Opus header is applied, in Ogg's and in mp4's spelling", async () => {
  for (const [name, head, bigEndian] of [
    ['opus.ogg', 'OpusHead', false],
    ['opus.mp4', 'dOps', true],
  ] as const) {
    const bytes = await readFile(join(FORMAT_FIXTURES, name));
    await using plain = await decodeBytes(bytes);
    const at = bytes.indexOf(head) + (bigEndian ? 12 : 16);
    const gain = -12 * 256;
    if (bigEndian) bytes.writeInt16BE(gain, at);
    else bytes.writeInt16LE(gain, at);
    await using quiet = await decodeBytes(bytes);
    const [one, other] = [await plain.read(0, plain.sampleCount), await quiet.read(0, quiet.sampleCount)];
    assert.ok(Math.abs(levelDb(one) - levelDb(other) - 12) < 0.1, name);
  }
});

test('a chunk of odd length in a wav file may lack the byte that fills it up', async () => {
  const bytes = await readFile(join(FORMAT_FIXTURES, 'pcm_s16le.wav'));
  const data = bytes.indexOf('data');
  const note = Buffer.concat([Buffer.from('note'), Buffer.of(3, 0, 0, 0), Buffer.from('abc')]);
  for (const filling of [Buffer.alloc(1), Buffer.alloc(0)]) {
    const parts = [bytes.subarray(0, data), note, filling, bytes.subarray(data)];
    await using recording = await decodeBytes(Buffer.concat(parts));
    await assertSpoken(recording, WAV);
  }
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
