import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { after, test } from 'node:test';
import { readManifest } from '../manifest.ts';
import { convertTiny, temporaryFolder, tinyTensors } from '../tiny.test-checkpoint.ts';
import { largestDifference } from '../verify/oracle.ts';
import { loadDecoder, type Batch } from './decoder.ts';
import { openEmbeddingTable } from './embedding-table.ts';
import { joined } from './joined.ts';
import { writeTexts, type Reading, type Written } from './write.ts';

const CAPACITY = 64;
const END_TOKENS = [90, 91, 92];

const folder = temporaryFolder();
const directory = await convertTiny(folder.path, 'model', tinyTensors(1));
const manifest = readManifest(directory);
const decoder = await loadDecoder(directory, manifest, 1);
const table = openEmbeddingTable(directory, manifest);
after(async () => {
  table[Symbol.dispose]();
  await decoder.release();
  folder[Symbol.dispose]();
});

function prompt(seed: number, length: number): number[] {
  return Array.from({ length }, (_, index) => (seed * 31 + index * 17) % 90);
}

async function readAll(parts: readonly (readonly number[])[]): Promise<Float32Array> {
  const batch = decoder.batch(1, CAPACITY);
  const text = batch.begin();
  let logits = new Float32Array(0);
  for (const part of parts) logits = (await batch.read(text, table.rows(part), true)).logits?.slice() ?? logits;
  return logits;
}

test('reading n tokens and then m one by one is the same as reading n + m at once', async () => {
  for (const [n, m] of [
    [1, 1],
    [1, 20],
    [17, 5],
    [30, 1],
  ] as const) {
    const tokens = prompt(n, n + m);
    const single = tokens.slice(n).map((token) => [token]);
    const difference = largestDifference(await readAll([tokens.slice(0, n), ...single]), await readAll([tokens]));
    assert.ok(difference <= 1e-5, `${n} + ${m}: ${difference}`);
  }
});

test('texts of different lengths in one batch are written as each would be alone, whichever of them ends', async () => {
  const prompts = [prompt(1, 5), prompt(2, 19), prompt(3, 1), prompt(4, 30)];
  const alone = await Promise.all(prompts.map((tokens) => continueAlone(tokens, 10)));
  const batch = decoder.batch(prompts.length, CAPACITY);
  const working: { index: number; tokens: number[]; logits: Float32Array[] }[] = [];
  for (const [index, tokens] of prompts.entries()) {
    const { token, logits } = await batch.read(batch.begin(), table.rows(tokens), true);
    working.push({ index, tokens: [token], logits: [logits ?? new Float32Array(0)] });
  }
  const compare = ({ index, tokens, logits }: (typeof working)[number]): void => {
    const expected = alone[index];
    assert.deepEqual(tokens, expected?.tokens.slice(0, tokens.length));
    logits.forEach((row, step) => assert.ok(largestDifference(row, expected?.logits[step] ?? []) <= 1e-5));
  };
  // The first ends after two steps, then the one that took its number, and so on.
  for (let step = 1; working.length > 0; step += 1) {
    const predictions = await batch.step(table.rows(working.map(({ tokens }) => tokens.at(-1) ?? 0)), true);
    working.forEach((text, place) => {
      text.tokens.push(predictions[place]?.token ?? -1);
      text.logits.push(predictions[place]?.logits ?? new Float32Array(0));
    });
    if (step % 2 === 1) continue;
    compare(working[0] as (typeof working)[number]);
    batch.end(0);
    const last = working.pop();
    if (last !== undefined && working.length > 0) working[0] = last;
    assert.equal(batch.size, working.length);
  }
});

async function continueAlone(tokens: readonly number[], steps: number) {
  const batch = decoder.batch(1, CAPACITY);
  const text = batch.begin();
  const written: number[] = [];
  const logits: Float32Array[] = [];
  let next = table.rows(tokens);
  for (let step = 0; step < steps; step += 1) {
    const prediction = await batch.read(text, next, true);
    written.push(prediction.token);
    logits.push(prediction.logits ?? new Float32Array(0));
    next = table.rows([prediction.token]);
  }
  return { tokens: written, logits };
}

async function* readingsOf(readings: readonly Reading[]): AsyncGenerator<readonly [number, Reading]> {
  yield* readings.entries();
}

async function write(readings: readonly Reading[], endTokens: readonly number[] = END_TOKENS, batch?: Batch) {
  const results = new Map<number, Written | null>();
  const options = { batch: batch ?? decoder.batch(readings.length, CAPACITY), table, endTokens };
  await writeTexts(readingsOf(readings), options, (key, written) => {
    assert.equal(results.has(key), false, 'a text ends once');
    results.set(key, written);
  });
  return readings.map((_, index) => results.get(index));
}

function reading(tokens: readonly number[], tokensMax: number, signal = new AbortController().signal): Reading {
  return { embeddings: table.rows(tokens), tokensMax, signal };
}

test('a text ends at a token of the end, which does not count, and at the most tokens that it may have', async () => {
  const { tokens } = await continueAlone(prompt(2, 19), 6);
  const [first = -1, second = -1, third = -1] = tokens;
  assert.ok(new Set([first, second, third]).size === 3, 'three different tokens');
  assert.deepEqual(await write([reading(prompt(2, 19), 6)], [third]), [{ tokens: [first, second], truncated: false }]);
  assert.deepEqual(await write([reading(prompt(2, 19), 6)], [first]), [{ tokens: [], truncated: false }]);
  assert.deepEqual(await write([reading(prompt(2, 19), 2)], []), [{ tokens: [first, second], truncated: true }]);
});

test('a text that goes round in circles is stopped, with one round kept', async () => {
  const [written] = await write([reading(prompt(7, 5), 55)], []);
  assert.deepEqual(written, { tokens: [32, 69, 32, 69, 84, 84, 69], truncated: false });
});

test('an aborted text is given up between steps, the others go on, and their caches are freed', async () => {
  const controller = new AbortController();
  const batch = decoder.batch(3, CAPACITY);
  const third = reading(prompt(3, 4), 5);
  const readings = [reading(prompt(1, 5), 5, controller.signal), reading(prompt(2, 19), 5)];
  const results = new Map<number, Written | null>();
  async function* all(): AsyncGenerator<readonly [number, Reading]> {
    yield* readings.entries();
    controller.abort();
    yield [2, third];
  }
  await writeTexts(all(), { batch, table, endTokens: [] }, (key, written) => results.set(key, written));
  assert.equal(results.get(0), null);
  const [second, last] = await write([readings[1] as Reading, third], []);
  assert.deepEqual([results.get(1), results.get(2)], [second, last]);
  assert.equal(batch.size, 0);
});

test('the caches of cancelled batches do not stay in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  const capacity = 4_000;
  const bytes = 2 * 4 * 2 * manifest.decoder.cache_heads * manifest.decoder.head_size * capacity;
  for (let round = 0; round < 20; round += 1) {
    const controller = new AbortController();
    async function* aborted(): AsyncGenerator<readonly [number, Reading]> {
      yield [0, reading(prompt(1, 5), 100, controller.signal)];
      controller.abort();
    }
    const batch = decoder.batch(2, capacity);
    await writeTexts(aborted(), { batch, table, endTokens: [] }, () => {});
  }
  // What a collection leaves for the next one counts, too; twenty batches would be twenty times as much.
  const [, , after] = [held(), held(), held()] as const;
  assert.ok(after - before < 3 * bytes, `${after - before} bytes stay, a batch has ${bytes}`);
});

test('joined arrays keep their order', () => {
  assert.deepEqual(joined([Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(3)]), Float32Array.of(1, 2, 3));
});
