/** The engine glm in its real processes, on a small checkpoint that knows the fixtures by heart, as it ships: 8 and 4 bits. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { after, test } from 'node:test';
import { join } from 'node:path';
import { silentLogger } from '../core/log.ts';
import { EngineError } from '../engines/contract.ts';
import { createGlmEngine, type GlmEngine } from '../engines/glm/engine.ts';
import { startHub } from '../engines/glm/fetch/hub.test-hub.ts';
import { makeRememberingModel } from '../engines/glm/remembering.test-checkpoint.ts';
import { temporaryFolder } from '../engines/glm/tiny.test-checkpoint.ts';
import { testEngineContract } from './engine-contract.ts';
import { floatSamples, recordings } from './recordings.ts';
import { bodyOf, FIXTURES, runProgram, startServer } from './running-server.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

const path = await makeRememberingModel(
  folder.path,
  [
    ...recordings().map(({ name, text }) => ({ samples: floatSamples(name), text })),
    { samples: floatSamples('silence'), text: '' },
    { samples: new Float32Array(1), text: '' },
  ],
  { encoder: 'int8', decoder: 'int4', head: 'int8' },
);

function createEngine(options: { readonly batch?: number; readonly hints?: boolean } = {}): GlmEngine {
  const { batch = 3, hints = false } = options;
  return createGlmEngine({ id: 'local', path, workers: 1, threads: 1, batch, hints, log: silentLogger });
}

testEngineContract('the engine glm', async () => {
  const engine = createEngine();
  await engine.started;
  return {
    engine,
    boundsOutput: true,
    stall() {},
    begun: () => wait(0),
    idle: async () => {},
    inFlightMost: () => null,
    [Symbol.asyncDispose]: () => engine.close(),
  };
});

const OPTIONS = { outputTokensMax: 1_000 };
const { signal } = new AbortController();

test('pieces that come together are written in one batch, and one that is given up leaves the others whole', async () => {
  const engine = createEngine({ batch: 4 });
  try {
    await engine.started;
    const names = ['sense-amiable', 'fabric', 'go-forward', 'library'];
    const controllers = names.map(() => new AbortController());
    const reason = new Error('Gone.');
    const calls = names.map((name, index) =>
      engine.transcribe(floatSamples(name), OPTIONS, controllers[index]?.signal ?? signal),
    );
    const given = assert.rejects(calls[1] as Promise<unknown>, (error) => error === reason);
    setImmediate(() => controllers[1]?.abort(reason));
    await given;
    const others = await Promise.all(calls.filter((_, index) => index !== 1));
    assert.deepEqual(
      others.map(({ text }) => text),
      ['sense-amiable', 'go-forward', 'library'].map((name) => recordings().find((one) => one.name === name)?.text),
    );
  } finally {
    await engine.close();
  }
});

test('it says what it has loaded, and how much memory that takes once it has worked', async () => {
  const engine = createEngine({ hints: true });
  try {
    await engine.started;
    const before = engine.describe?.();
    assert.equal(before?.quantization, 'encoder int8, decoder int4, head int8');
    assert.equal(before.residentBytes, null);
    assert.deepEqual([engine.capabilities.prompt, engine.capabilities.hotwords], [true, true]);
    await engine.transcribe(floatSamples('go-forward'), { ...OPTIONS, hotwords: ['ten'], prompt: 'Then' }, signal);
    assert.ok((engine.describe?.()?.residentBytes ?? 0) > before.weightBytes);
  } finally {
    await engine.close();
  }
});

test('without a model in its folder it is unavailable, and says how to make one', async () => {
  const options = { id: 'local', workers: 1, threads: 1, batch: 1, hints: false, log: silentLogger };
  const engine = createGlmEngine({ ...options, path: join(folder.path, 'nowhere') });
  const isSaid = (error: unknown): boolean =>
    error instanceof EngineError && error.fault === 'unavailable' && /model convert/.test(error.detail ?? '');
  await assert.rejects(engine.started, isSaid);
  await assert.rejects(engine.transcribe(new Float32Array(1), OPTIONS, signal), isSaid);
  assert.equal(engine.ready(), false);
  await engine.close();
});

test('the commands fetch, convert and verify, and refuse what is not there', async () => {
  const checkpoint = join(folder.path, 'remembering');
  const model = join(folder.path, 'by-command');
  const run = (words: string[]) => runProgram(words, { DATA_DIR: folder.path });
  const files = Object.fromEntries(readdirSync(checkpoint).map((name) => [name, readFileSync(join(checkpoint, name))]));
  await using hub = await startHub(files);
  const fetched = join(folder.path, 'fetched');
  const loaded = await run(['model', 'fetch', '--to', fetched, '--base-url', hub.baseUrl, '--json']);
  assert.equal(loaded.code, 0, loaded.stderr);
  const converted = await run(['model', 'convert', '--from', fetched, '--to', model, '--json']);
  assert.equal(converted.code, 0, converted.stderr);
  const { precision, files: made } = JSON.parse(converted.stdout) as { precision: object; files: object };
  assert.deepEqual(precision, { encoder: 'int8', decoder: 'int4', head: 'int8', accuracy_level: 4 });
  assert.ok(Object.keys(made).includes('tokenizer.json'));
  const again = await run(['model', 'convert', '--from', checkpoint, '--to', model]);
  assert.deepEqual([again.code, /exists already/.test(again.stderr)], [1, true]);
  const wrong = await run(['model', 'convert', '--from', checkpoint, '--to', `${model}-2`, '--head', 'int4']);
  assert.equal(wrong.code, 2);

  const audio = join(FIXTURES, 'go-forward.wav');
  const words = ['model', 'verify', model, '--audio', audio, '--reference', 'go forward eleven metres'];
  const verified = await run(words);
  assert.equal(verified.code, 0, verified.stderr + verified.stdout);
  assert.match(verified.stdout, /1 of 4 words or characters are wrong \(25\.0 %\): go forward ten meters/i);
  assert.match(verified.stdout, /ok +tokens: 4 texts come back/);
});

test('the list of models says what is loaded, in which precision and how large', async () => {
  const path = join(folder.path, 'by-command');
  const config = join(folder.path, 'config.json');
  const models = { 'glm/glm-asr-2512': { engines: ['local'] } };
  writeFileSync(config, JSON.stringify({ engines: { local: { type: 'glm', path } }, models }));
  await using server = await startServer({ environment: { EARSHOT_CONFIG: config } });
  const { key } = await server.createKey();
  const response = await fetch(`${server.url}/v1/models/glm/glm-asr-2512`, { headers: { 'x-api-key': key } });
  const { engines, loaded } = await bodyOf<{ engines: string[]; loaded: Record<string, unknown>[] }>(response);
  assert.deepEqual(engines, ['local']);
  const { weight_bytes: bytes, resident_bytes: resident, ...what } = loaded[0] ?? {};
  assert.deepEqual(what, {
    engine: 'local',
    model: 'glm-asr-nano-2512',
    quantization: 'encoder int8, decoder int4, head int8',
  });
  assert.ok(Number(bytes) > 0);
  // A probe may have been the first piece by now.
  assert.ok(resident === null || Number(resident) > Number(bytes));
});
