import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { joined } from '../model/joined.ts';
import { readManifest } from '../manifest.ts';
import { loadDecoder } from '../model/decoder.ts';
import { openEmbeddingTable } from '../model/embedding-table.ts';
import { loadEncoder } from '../model/encoder.ts';
import {
  convertTiny,
  GOLDENS,
  temporaryFolder,
  tinySound,
  tinyTensors,
  type Tensors,
} from '../tiny.test-checkpoint.ts';
import { largestDifference } from '../verify/oracle.ts';
import { quantize, type Bits } from './quantize.ts';

const BLOCK = 32;
const SAMPLES = 12_800;
const STEPS = 8;

/** Inputs rounded to 8 bits too: 0.05 to 0.09 measured on logits of 2 to 3, with random weights, which are the worst case. */
const ROUNDED_INPUTS_BOUND = 0.2;
const VOCABULARY = 96;

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

const PRECISIONS = [
  { encoder: 'int8', decoder: 'int8', head: 'int8' },
  { encoder: 'int8', decoder: 'int4', head: 'int8' },
  { encoder: 'fp32', decoder: 'int4', head: 'fp32' },
] as const;

for (const precision of PRECISIONS) {
  const name = Object.values(precision).join('-');
  for (const seed of process.env['EARSHOT_TEST_FULL'] === '1' ? [1, 2, 3] : [1]) {
    test(`${name}, seed ${seed}: the same numbers as 32-bit arithmetic on the rounded weights`, async () => {
      const tensors = tinyTensors(seed);
      const bits = (kind: 'fp32' | 'int8' | 'int4'): Bits | null => (kind === 'fp32' ? null : kind === 'int8' ? 8 : 4);
      const rounded = roundWeights(tensors, (tensor) => {
        if (tensor === 'language_model.lm_head.weight') return bits(precision.head);
        return bits(tensor.startsWith('language_model.') ? precision.decoder : precision.encoder);
      });
      const id = `${name}-${seed}`;
      const expected = await run(await convertTiny(folder.path, `${id}-rounded`, rounded), seed);
      const exact = await convertTiny(folder.path, `${id}-0`, tensors, { precision, accuracyLevel: 0 });
      const { embeddings, logits, tokens } = await run(exact, seed, expected.tokens);
      assert.ok(largestDifference(embeddings, expected.embeddings) <= 1e-3, 'embeddings');
      assert.ok(largestDifference(logits, expected.logits) <= 1e-3, 'logits');
      assert.deepEqual(tokens, expected.tokens);

      const shipped = await run(
        await convertTiny(folder.path, `${id}-4`, tensors, { precision }),
        seed,
        expected.tokens,
      );
      const difference = largestDifference(shipped.logits, expected.logits);
      assert.ok(difference > 1e-3 && difference <= ROUNDED_INPUTS_BOUND, `${difference}`);
      // Another token than on the exact inputs is written only where both were nearly as likely.
      shipped.tokens.forEach((token, step) => {
        const row = expected.logits.subarray(step * VOCABULARY, (step + 1) * VOCABULARY);
        const gap = (row[expected.tokens[step] ?? 0] ?? 0) - (row[token] ?? 0);
        assert.ok(gap <= 2 * difference, `step ${step}: ${gap}`);
      });
    });
  }
}

test('a block meets its largest value exactly and every other one within half a step', () => {
  const row = Float32Array.from({ length: 70 }, (_, index) => Math.sin(index * 1.7) * (index < 32 ? 1 : 0.01));
  for (const bits of [4, 8] as const) {
    const back = dequantized(row, row.length, bits);
    for (let start = 0; start < row.length; start += BLOCK) {
      const block = row.subarray(start, start + BLOCK);
      const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const step = largest / 2 ** (bits - 1);
      // On the far side of zero there is one step less.
      assert.ok(largestDifference(back.subarray(start, start + BLOCK), block) <= step + 1e-7);
      const at = block.findIndex((value) => Math.abs(value) === largest);
      assert.ok(Math.abs((back[start + at] ?? 0) - (block[at] ?? 0)) <= largest * 1e-6);
    }
  }
  assert.deepEqual(dequantized(new Float32Array(64), 64, 4), new Float32Array(64));
});

/** What the operator computes with: (stored - zero) × scale. */
function dequantized(values: Float32Array, width: number, bits: Bits): Float32Array {
  const { values: stored, scales } = quantize(values, width, bits, BLOCK);
  const blocks = Math.ceil(width / BLOCK);
  return values.map((_, index) => {
    const row = Math.floor(index / width);
    const column = index % width;
    const block = row * blocks + Math.floor(column / BLOCK);
    const at = block * BLOCK + (column % BLOCK);
    const byte = stored[bits === 4 ? at >> 1 : at] ?? 0;
    const number = bits === 8 ? byte : at % 2 === 0 ? byte & 0xf : byte >> 4;
    return (number - 2 ** (bits - 1)) * (scales[block] ?? 0);
  });
}

function roundWeights(tensors: Tensors, bitsOf: (name: string) => Bits | null): Tensors {
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const isMatrix = tensor.shape.length === 2 && !name.includes('embed_tokens');
      const bits = isMatrix ? bitsOf(name) : null;
      if (bits === null) return [name, tensor];
      return [name, { ...tensor, data: dequantized(tensor.data, tensor.shape[1] ?? 0, bits) }];
    }),
  );
}

/** Embeddings of a sound, and logits of some steps; the tokens that are fed come from elsewhere or are its own. */
async function run(directory: string, seed: number, fed?: readonly number[]) {
  const manifest = readManifest(directory);
  const encoder = await loadEncoder(directory, manifest, 1);
  const decoder = await loadDecoder(directory, manifest, 1);
  using table = openEmbeddingTable(directory, manifest);
  const { embeddings } = await encoder.encode(tinySound(seed, SAMPLES), SAMPLES);
  const { before, after: behind } = GOLDENS.prompt;
  const batch = decoder.batch(1, 64);
  const text = batch.begin();
  let next = joined([table.rows(before), embeddings, table.rows(behind)]);
  const tokens: number[] = [];
  const logits: Float32Array[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const prediction = await batch.read(text, next, true);
    logits.push(prediction.logits ?? new Float32Array(0));
    tokens.push(prediction.token);
    next = table.rows([fed?.[step] ?? prediction.token]);
  }
  await encoder.release();
  await decoder.release();
  return { embeddings: embeddings.slice(), logits: joined(logits), tokens };
}
