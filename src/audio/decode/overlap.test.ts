/** Decoding goes along with the download: what has arrived is decoded while the rest is still on its way. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import { createDecodePool } from './decode.ts';
import { FIXTURES, chunk } from './decode.test-files.ts';
import { PROGRESS, type DecodeJob, type DecodeResult } from './job.ts';

const pool = createDecodePool({ size: 1, log: silentLogger });
after(() => pool[Symbol.asyncDispose]());
const directory = await mkdtemp(join(tmpdir(), 'earshot-overlap-'));
after(() => rm(directory, { recursive: true }));

const MORE_FORMATS = join(FIXTURES, '../formats');
const CLUSTER = Buffer.from('1f43b675', 'hex');

/** Decodes a file of which only the first bytes are there, and gives the rest once `isTime` resolves. */
async function decodeInTwoParts(bytes: Buffer, firstBytes: number, isTime: 'progress' | 'open'): Promise<DecodeResult> {
  const job: DecodeJob = {
    sourcePath: join(directory, 'source'),
    pcmPath: join(directory, 'pcm'),
    audioSecondsMax: 3_600,
  };
  await writeFile(job.sourcePath, bytes.subarray(0, firstBytes));
  let send = (_message: unknown): void => {};
  let whenNoted = (): void => {};
  const noted = new Promise<void>((resolve) => (whenNoted = resolve));
  const result = pool.run<DecodeResult>(job, {
    signal: new AbortController().signal,
    onStart(sender) {
      send = sender;
      send({ bytesAvailable: firstBytes, ended: false });
    },
    onNote: (note) => (isTime === 'open' || note === PROGRESS) && whenNoted(),
  });
  await Promise.race([noted, result]);
  await appendFile(job.sourcePath, bytes.subarray(firstBytes));
  send({ bytesAvailable: bytes.length, ended: true });
  try {
    return await result;
  } finally {
    await rm(job.pcmPath, { force: true });
  }
}

async function fixture(name: string, times = 1): Promise<Buffer> {
  const bytes = await readFile(join(FIXTURES, name));
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

/** A live recording whose clusters come again and again. */
async function longWebm(): Promise<Buffer> {
  const live = await readFile(join(MORE_FORMATS, 'live.webm'));
  const clusters = live.subarray(live.indexOf(CLUSTER));
  return Buffer.concat([live, ...Array.from({ length: 60 }, () => clusters)]);
}

/** Remainders as FLAC's checksums have them: highest bit first, beginning with zero. */
function checksum(bytes: Uint8Array, bits: 8 | 16, polynomial: number): number {
  let rest = 0;
  for (const byte of bytes) {
    rest ^= byte << (bits - 8);
    for (let bit = 0; bit < 8; bit += 1) rest = rest & (1 << (bits - 1)) ? (rest << 1) ^ polynomial : rest << 1;
    rest &= (1 << bits) - 1;
  }
  return rest;
}

/** A minute of stored samples, 16 kHz mono: a mebibyte of FLAC is looked through before its first frame is decoded. */
function longFlac(): Promise<Buffer> {
  const info = Buffer.alloc(34);
  info.writeUInt16BE(4096, 0);
  info.writeUInt16BE(4096, 2);
  // 16,000 Hz in 20 bits, then one channel less one in 3, and 16 bits less one in 5.
  info.writeUInt32BE(((16_000 << 12) | (15 << 4)) >>> 0, 10);
  const samples = Buffer.alloc(8192, 0x35);
  const frames = Array.from({ length: 240 }, (_, number) => {
    const numberBytes = number < 128 ? [number] : [0xc0 | (number >> 6), 0x80 | (number & 0x3f)];
    const header = Buffer.from([0xff, 0xf8, 0xc5, 0x08, ...numberBytes]);
    const frame = Buffer.concat([header, Buffer.from([checksum(header, 8, 0x07), 0x02]), samples]);
    const end = Buffer.alloc(2);
    end.writeUInt16BE(checksum(frame, 16, 0x8005));
    return Buffer.concat([frame, end]);
  });
  return Promise.resolve(Buffer.concat([Buffer.from('fLaC'), Buffer.from([0x80, 0, 0, 34]), info, ...frames]));
}

const FILES: Readonly<Record<string, () => Promise<Buffer>>> = {
  wav: () => fixture('sense-leisure.wav'),
  mp3: () => fixture('sense-leisure.mp3', 5),
  ogg: () => fixture('sense-leisure.ogg', 5),
  flac: longFlac,
  webm: longWebm,
};

for (const [format, make] of Object.entries(FILES)) {
  test(`${format} is being decoded before its end has arrived`, async () => {
    const bytes = await make();
    const whole = await decodeInTwoParts(bytes, bytes.length, 'open');
    // Were it not, no progress would ever come, and this would wait for ever.
    const inParts = await decodeInTwoParts(bytes, Math.floor(bytes.length * 0.9), 'progress');
    assert.equal(inParts.format, format);
    assert.equal(inParts.sampleCount, whole.sampleCount);
  });
}

test('an mp4 whose index comes last waits for it and is then decoded whole', async () => {
  const last = await readFile(join(MORE_FORMATS, 'last.m4a'));
  const index = last.indexOf('moov') - 4;
  const padding = chunk('free', Buffer.alloc(200_000));
  // A box has its length in front of its name, the other way round than a chunk.
  const free = Buffer.concat([Buffer.from([0, 3, 13, 72]), padding.subarray(0, 4), padding.subarray(8)]);
  const bytes = Buffer.concat([last.subarray(0, index), free, last.subarray(index)]);
  const expected = await decodeInTwoParts(last, last.length, 'open');
  const inParts = await decodeInTwoParts(bytes, index + 150_000, 'open');
  assert.equal(inParts.sampleCount, expected.sampleCount);
});
