/** Damage at random places of one small file of each format: a recording or a clear refusal, and never more than that. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../core/seeded-random.ts';
import { AppError } from '../../core/errors.ts';
import { silentLogger } from '../../core/log.ts';
import type { Pool } from '../../workers/pool.ts';
import { createDecodePool, createDecoder, type Decoder } from './decode.ts';
import { finishedSource, FORMAT_FIXTURES } from './decode.test-files.ts';

const FLIPS_EACH = process.env['EARSHOT_TEST_FULL'] === '1' ? 10_000 : 1000;
const FLIPS_IN_ONE_MAX = 8;
const POOL_SIZE = 2;
const SEEDS = [
  'seed.wav',
  'seed.mp3',
  'seed.aac.m4a',
  'seed.alac.m4a',
  'seed.vorbis.ogg',
  'seed.opus.ogg',
  'seed.flac.ogg',
  'seed.flac',
  'seed.webm',
  'seed.aac',
  'seed.aiff',
];

let directory: string;
let pool: Pool;
let decoder: Decoder;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'earshot-damage-'));
  pool = createDecodePool({ size: POOL_SIZE, log: silentLogger });
  await pool.started;
  decoder = createDecoder({ pool, temporaryDirectory: directory, audioSecondsMax: 600, log: silentLogger });
});

after(async () => {
  await pool[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

interface Damaged {
  readonly seed: number;
  readonly bytes: Buffer;
}

/** Copies with up to eight bytes changed in each, most often in its first part, where the headers are. */
function* damagedCopies(original: Buffer, flips: number): Generator<Damaged, void, undefined> {
  let left = flips;
  for (let seed = 0; left > 0; seed += 1) {
    const random = seededRandom(seed);
    const bytes = Buffer.from(original);
    const count = Math.min(left, 1 + Math.floor(random() * FLIPS_IN_ONE_MAX));
    for (let flip = 0; flip < count; flip += 1) {
      const reach = random() < 0.5 ? Math.min(256, bytes.length) : bytes.length;
      const at = Math.floor(random() * reach);
      bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255));
    }
    left -= count;
    yield { seed, bytes };
  }
}

/** What became of the file: how long it is, or why it was refused. */
async function outcomeOf(path: string): Promise<string> {
  try {
    await using recording = await decoder.decode(finishedSource(path), new AbortController().signal);
    await recording.read(0, recording.sampleCount);
    return 'decoded';
  } catch (error) {
    assert.ok(error instanceof AppError && error.status >= 400 && error.status < 500, String(error));
    return error.code;
  }
}

for (const name of SEEDS) {
  test(`copies of ${name} with ${FLIPS_EACH} bytes changed are decoded or refused by processes that live on`, async () => {
    const original = await readFile(join(FORMAT_FIXTURES, 'seeds', name));
    const pids = pool.pids();
    const copies = damagedCopies(original, FLIPS_EACH);
    const decodedAtOnce = Array.from({ length: POOL_SIZE }, async (_, worker) => {
      const path = join(directory, `damaged-${worker}`);
      for (const { seed, bytes } of copies) {
        await writeFile(path, bytes);
        await outcomeOf(path);
        assert.deepEqual(pool.pids(), pids, `the copy with the seed ${seed} ended a process`);
      }
      await rm(path);
    });
    await Promise.all(decodedAtOnce);
    assert.deepEqual(await readdir(directory), []);
  });
}
