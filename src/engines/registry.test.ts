import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from './contract.ts';
import { createRegistry, type ModelConfig } from './registry.ts';

const GLM: ModelConfig = { id: 'glm/glm-asr-2512', engines: ['zai', 'cluster', 'embedded'], audioTokensPerMinute: 1 };
const TINY: ModelConfig = { id: 'moonshine/tiny', engines: ['embedded'], audioTokensPerMinute: 1 };

/** An engine for choosing only: it is never asked to transcribe. */
function engine(id: string, model: string | null, ready = true): Engine {
  return {
    id,
    model,
    capabilities: {
      languages: null,
      pieceSecondsMax: 28,
      prompt: false,
      hotwords: false,
      timestamps: false,
      tokenCounts: false,
    },
    concurrency: 1,
    ready: () => ready,
    transcribe: () => Promise.reject(new Error('not to be called')),
    close: async () => {},
  };
}

const embedded = engine('embedded', 'moonshine/tiny');
const cluster = engine('cluster', null);

function choose(modelId: string, engines: readonly Engine[], allowStandIn: boolean): { id: string; standIn: boolean } {
  const { engine: chosen, standIn } = createRegistry({ models: [GLM, TINY], engines, allowStandIn }).select(modelId);
  return { id: chosen.id, standIn };
}

test('a model goes to the first of its engines that is configured', () => {
  assert.deepEqual(choose(GLM.id, [embedded, cluster, engine('zai', null)], true), { id: 'zai', standIn: false });
  assert.deepEqual(choose(GLM.id, [embedded, cluster], true), { id: 'cluster', standIn: false });
});

test('the embedded engine answers for its own model everywhere and is no stand-in there', () => {
  assert.deepEqual(choose(TINY.id, [embedded], false), { id: 'embedded', standIn: false });
});

test('the stand-in answers only where no other engine of the model is configured and where it is allowed', () => {
  assert.deepEqual(choose(GLM.id, [embedded], true), { id: 'embedded', standIn: true });
  assert.throws(() => choose(GLM.id, [embedded], false), { code: 'engine_unavailable' });
  assert.deepEqual(choose(GLM.id, [embedded, engine('cluster', null, false)], true), { id: 'cluster', standIn: false });
});

test('an unknown model is refused by its parameter, and one without any engine is unavailable', () => {
  assert.throws(() => choose('glm/none', [embedded], true), { code: 'model_not_found', param: 'model' });
  assert.throws(() => choose('__proto__', [embedded], true), { code: 'model_not_found' });
  assert.throws(() => choose(GLM.id, [], true), { code: 'engine_unavailable' });
});

test('the registry is ready once each model that can be served has an engine that takes work', () => {
  const ready = (engines: readonly Engine[], allowStandIn = true): boolean =>
    createRegistry({ models: [GLM, TINY], engines, allowStandIn }).ready();
  assert.equal(ready([embedded]), true);
  assert.equal(ready([embedded], false), true);
  assert.equal(ready([engine('embedded', 'moonshine/tiny', false), cluster]), false);
  assert.equal(ready([embedded, engine('zai', null, false), cluster]), true);
  assert.equal(ready([embedded, engine('zai', null, false)]), false);
});
