import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { chooseEngine } from './choose-engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-choose-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'config.json');
writeFileSync(
  path,
  JSON.stringify({
    engines: { one: { type: 'moonshine' }, two: { type: 'moonshine' }, idle: { type: 'moonshine' } },
    models: { 'a/first': { engines: ['one'] }, 'a/second': { engines: ['one', 'two'] } },
  }),
);
const config = loadConfig({ EARSHOT_CONFIG: path, EARSHOT_ALLOW_STAND_IN: 'false' });

test('without a name the configuration stays as it is, and the default model is asked', () => {
  assert.deepEqual(chooseEngine(config, { engine: null, model: null }), { config, model: 'glm/glm-asr-2512' });
  assert.equal(chooseEngine(config, { engine: null, model: 'a/second' }).model, 'a/second');
});

test('a named engine is the only one, for the first model that lists it, stand-in or not', () => {
  const { config: chosen, model } = chooseEngine(config, { engine: 'two', model: null });
  assert.deepEqual([Object.keys(chosen.engines), model, chosen.allowStandIn], [['two'], 'a/second', true]);
  assert.deepEqual(
    chosen.models.map(({ id, engines }) => [id, engines]),
    [['a/second', [{ two: 1 }]]],
  );
});

test('a named engine answers for a named model that does not list it', () => {
  const { config: chosen } = chooseEngine(config, { engine: 'idle', model: 'a/first' });
  assert.deepEqual(
    chosen.models.map(({ id, engines }) => [id, engines]),
    [['a/first', [{ idle: 1 }]]],
  );
});

test('names that nobody knows are said with those that there are', () => {
  assert.throws(() => chooseEngine(config, { engine: 'three', model: null }), /There is: one, two, idle\./);
  assert.throws(() => chooseEngine(config, { engine: 'idle', model: null }), /No model has the engine "idle"/);
  assert.throws(() => chooseEngine(config, { engine: 'one', model: 'x' }), /There is no model "x"/);
});
