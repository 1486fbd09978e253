import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FilesError } from '../files-error.ts';
import { FILES, readManifest } from '../manifest.ts';
import {
  convertTiny,
  FULL_PRECISION,
  GOLDENS,
  roundedTo,
  temporaryFolder,
  tinyTensors,
  writeCheckpoint,
  writeSafetensors,
  type Tensors,
} from '../tiny.test-checkpoint.ts';
import { formerConfig, formerTensors, resavedTensors } from '../tiny.test-layouts.ts';
import { convert } from './convert.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());
const original = await convertTiny(folder.path, 'original', tinyTensors(1));
let names = 0;

/** The hashes of what the graphs compute with. */
function weightsOf(directory: string): (string | undefined)[] {
  const { files } = readManifest(directory);
  return [FILES.encoder, FILES.encoderWeights, FILES.decoder, FILES.decoderWeights, FILES.embeddings].map(
    (name) => files[name]?.sha256,
  );
}

async function refusal(prepare: (from: string) => void | Promise<void>): Promise<string> {
  const from = join(folder.path, `refused-${(names += 1)}`);
  const to = join(folder.path, `never-${names}`);
  writeCheckpoint(from, tinyTensors(1));
  await prepare(from);
  const error = await convert({ from, to, precision: FULL_PRECISION }).then(
    () => assert.fail('it was converted'),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof FilesError, String(error));
  assert.deepEqual([existsSync(to), existsSync(`${to}.partial`)], [false, false]);
  return error.message;
}

test('today’s names, those of a newer library and the former layout give the very same model', async () => {
  const resaved = await convertTiny(folder.path, 'resaved', resavedTensors(tinyTensors(1)));
  assert.deepEqual(weightsOf(resaved), weightsOf(original));
  const former = await convertTiny(folder.path, 'former', formerTensors(tinyTensors(1)), { config: formerConfig() });
  assert.deepEqual(weightsOf(former), weightsOf(original));
  assert.deepEqual([readManifest(original).layout, readManifest(former).layout], ['today', 'former']);
});

test('a checkpoint in several files gives the very same model', async () => {
  const from = join(folder.path, 'shards');
  mkdirSync(from);
  writeFileSync(join(from, 'config.json'), JSON.stringify(GOLDENS.config));
  const tensors = [...tinyTensors(1)];
  const halves = [tensors.slice(0, 20), tensors.slice(20)].map((half) => new Map(half));
  const weightMap: Record<string, string> = {};
  halves.forEach((half, index) => {
    const name = `model-0000${index + 1}-of-00002.safetensors`;
    writeSafetensors(join(from, name), half);
    for (const tensor of half.keys()) weightMap[tensor] = name;
  });
  writeFileSync(join(from, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  const to = join(folder.path, 'from-shards');
  await convert({ from, to, precision: FULL_PRECISION });
  assert.deepEqual(weightsOf(to), weightsOf(original));
});

for (const type of ['BF16', 'F16'] as const) {
  test(`weights in ${type} are read exactly`, async () => {
    const rounded = roundedTo(tinyTensors(1), type);
    const [expected, made] = ['wide', 'narrow'].map((name) => join(folder.path, `${type}-${name}`)) as [string, string];
    for (const [to, stored] of [
      [expected, 'F32'],
      [made, type],
    ] as const) {
      const from = `${to}-checkpoint`;
      writeCheckpoint(from, rounded);
      writeSafetensors(join(from, 'model.safetensors'), rounded, stored);
      await convert({ from, to, precision: { ...FULL_PRECISION, decoder: 'int4' } });
    }
    // The table of embeddings keeps the type that it was stored in.
    assert.deepEqual(weightsOf(made).slice(0, 4), weightsOf(expected).slice(0, 4));
    assert.equal(readManifest(made).embeddings, type);
  });
}

test('without a head of its own the embeddings are the head', async () => {
  const tensors = tinyTensors(1);
  const head = 'language_model.lm_head.weight';
  const embeddings = tensors.get('language_model.model.embed_tokens.weight');
  assert.ok(embeddings !== undefined);
  tensors.set(head, embeddings);
  const tied = tinyTensors(1);
  tied.delete(head);
  const [, , , own] = weightsOf(await convertTiny(folder.path, 'own-head', tensors));
  const [, , , shared] = weightsOf(await convertTiny(folder.path, 'tied', tied));
  assert.equal(shared, own);
});

test('progress rises to the whole, and a checkpoint without a tokenizer comes with a warning', async () => {
  const from = join(folder.path, 'progress');
  writeCheckpoint(from, tinyTensors(1));
  const shares: number[] = [];
  const { warnings } = await convert({
    from,
    to: join(folder.path, 'progressed'),
    precision: FULL_PRECISION,
    onProgress: (share) => shares.push(share),
  });
  assert.deepEqual(
    shares,
    shares.toSorted((one, other) => one - other),
  );
  assert.equal(shares.at(-1), 1);
  assert.match(warnings.join(), /no tokenizer\.json/);
});

test('what is wrong with a checkpoint is said by name, and nothing is left behind', async () => {
  const change = (edit: (tensors: Tensors) => void) => (from: string) => {
    const tensors = tinyTensors(1);
    edit(tensors);
    writeCheckpoint(from, tensors);
  };
  const name = 'audio_tower.layers.1.self_attn.v_proj.bias';
  assert.match(await refusal(change((tensors) => tensors.delete(name))), new RegExp(`no tensor ${name}`));
  assert.match(
    await refusal(change((tensors) => tensors.set(name, { shape: [64], data: new Float32Array(64) }))),
    new RegExp(`${name} has the shape \\[64\\]; \\[128\\] is expected`),
  );
  const withConfig = (config: unknown) => (from: string) =>
    writeFileSync(join(from, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  assert.match(await refusal(withConfig({ ...GOLDENS.config, model_type: 'whisper' })), /"whisper"; only "glmasr"/);
  assert.match(await refusal(withConfig({})), /model type is not said/);
  assert.match(await refusal(withConfig('{')), /not valid JSON/);
  const noHeads = { ...GOLDENS.config, audio_config: { ...GOLDENS.config.audio_config, num_attention_heads: 0 } };
  assert.match(await refusal(withConfig(noHeads)), /audio_config\.num_attention_heads/);
  const weights = 'model.safetensors';
  const cut = (bytes: number) => (from: string) => truncateSync(join(from, weights), bytes);
  assert.match(await refusal(cut(1_000_000)), /damaged or cut off/);
  assert.match(await refusal(cut(100)), /cut off/);
  assert.match(await refusal(cut(3)), /no safetensors file/);
  assert.match(await refusal((from) => writeFileSync(join(from, weights), '<html>not found</html>')), /safetensors/);
  const index = { weight_map: { a: '../elsewhere.safetensors' } };
  assert.match(
    await refusal((from) => writeFileSync(join(from, `${weights}.index.json`), JSON.stringify(index))),
    /another folder/,
  );
});

test('an existing folder is never written into, and what a stopped conversion left is cleared away', async () => {
  const from = join(folder.path, 'again');
  writeCheckpoint(from, tinyTensors(1));
  await assert.rejects(convert({ from, to: original, precision: FULL_PRECISION }), /exists already/);
  const to = join(folder.path, 'after-a-stop');
  mkdirSync(`${to}.partial`);
  writeFileSync(join(`${to}.partial`, FILES.encoderWeights), 'half');
  await convert({ from, to, precision: FULL_PRECISION });
  assert.deepEqual(weightsOf(to), weightsOf(original));
  assert.equal(existsSync(`${to}.partial`), false);
});

test('a disk without room is said before anything is written', async () => {
  const from = join(folder.path, 'huge');
  mkdirSync(from);
  // Terabytes of head, in a file that takes no room itself.
  const tensors = tinyTensors(1);
  writeCheckpoint(from, tensors);
  const rows = 2 ** 34;
  const header = Buffer.from(readFileSync(join(from, 'model.safetensors')));
  const length = Number(header.readBigUInt64LE(0));
  const entries = JSON.parse(header.subarray(8, 8 + length).toString()) as Record<
    string,
    { shape: number[]; data_offsets: number[] }
  >;
  for (const name of ['language_model.lm_head.weight', 'language_model.model.embed_tokens.weight']) {
    const bytes = rows * 64 * 4;
    entries[name] = { ...entries[name], dtype: 'F32', shape: [rows, 64], data_offsets: [0, bytes] } as never;
  }
  const head = Buffer.from(JSON.stringify(entries));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(head.length));
  writeFileSync(join(from, 'model.safetensors'), Buffer.concat([start, head]));
  truncateSync(join(from, 'model.safetensors'), 8 + head.length + rows * 64 * 4);
  const config = { ...GOLDENS.config, text_config: { ...GOLDENS.config.text_config, vocab_size: rows } };
  writeFileSync(join(from, 'config.json'), JSON.stringify(config));
  await assert.rejects(
    convert({ from, to: join(folder.path, 'too-large'), precision: FULL_PRECISION }),
    (error) => error instanceof FilesError && /needs [\d.]+ GB on the disk .* has [\d.]+ GB left/.test(error.message),
  );
  assert.ok(!readdirSync(folder.path).some((name) => name.startsWith('too-large')));
});

test('a model with a file missing, cut or of another version does not load', async () => {
  const copy = await convertTiny(folder.path, 'damaged', tinyTensors(1));
  truncateSync(join(copy, FILES.decoderWeights), 100);
  assert.throws(() => readManifest(copy), /decoder\.weights has 100 bytes instead of/);
  writeFileSync(join(copy, FILES.manifest), JSON.stringify({ format: 2 }));
  assert.throws(() => readManifest(copy), FilesError);
  assert.throws(() => readManifest(join(folder.path, 'nowhere')), /model convert/);
});
