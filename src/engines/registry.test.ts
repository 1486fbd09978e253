import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/log.ts';
import { EngineError } from './contract.ts';
import { createHeldEngine } from './held-engine.ts';
import { createRegistry, type ModelConfig, type Selection } from './registry.ts';
import { watchEngine, type WatchedEngine } from './watched-engine.ts';

const GLM: ModelConfig = {
  id: 'glm/glm-asr-2512',
  engines: [{ zai: 1 }, { cluster: 1 }, { embedded: 1 }],
  audioTokensPerMinute: 1,
};
const TINY: ModelConfig = { id: 'moonshine/tiny', engines: [{ embedded: 1 }], audioTokensPerMinute: 1 };

const clock = { now: () => 0 };

/** An engine for choosing only. */
function engine(id: string, model: string | null, ready = true): WatchedEngine {
  const held = createHeldEngine({ id, model });
  held.setReady(ready);
  return watchEngine(held, clock, silentLogger);
}

const embedded = engine('embedded', 'moonshine/tiny');
const cluster = engine('cluster', null);

function select(modelId: string, engines: readonly WatchedEngine[], allowStandIn: boolean): Selection {
  return createRegistry({ models: [GLM, TINY], engines, allowStandIn }).select(modelId);
}

function choose(
  modelId: string,
  engines: readonly WatchedEngine[],
  allowStandIn: boolean,
): { id: string | undefined; standIn: boolean } {
  const { engines: chosen, standIn } = select(modelId, engines, allowStandIn);
  return { id: chosen[0]?.id, standIn };
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
  const ready = (engines: readonly WatchedEngine[], allowStandIn = true): boolean =>
    createRegistry({ models: [GLM, TINY], engines, allowStandIn }).ready();
  assert.equal(ready([embedded]), true);
  assert.equal(ready([embedded], false), true);
  assert.equal(ready([engine('embedded', 'moonshine/tiny', false), cluster]), false);
  assert.equal(ready([embedded, engine('zai', null, false), cluster]), true);
  assert.equal(ready([embedded, engine('zai', null, false)]), false);
});

test('the next engine is the first that may be asked, and the last are never asked while an earlier one may', async () => {
  const held = createHeldEngine({ id: 'zai' });
  const zai = watchEngine(held, clock, silentLogger);
  const selection = select(GLM.id, [embedded, cluster, zai], true);
  assert.equal(selection.next(new Set()).engine, zai);
  assert.equal(selection.next(new Set([zai])).engine, cluster);
  assert.deepEqual(selection.next(new Set([zai, cluster])), { engine: null, inMs: Infinity });
  const asked = zai.transcribe(new Float32Array(1), { outputTokensMax: 1 }, new AbortController().signal);
  held.calls[0]?.reject(new EngineError('busy', { retryAfterMs: 7_000 }));
  await assert.rejects(asked);
  assert.deepEqual(
    [zai.askableInMs(), selection.mayAsk(zai), selection.next(new Set()).engine],
    [7_000, false, cluster],
  );
  assert.deepEqual(selection.next(new Set([cluster])), { engine: null, inMs: 7_000 });
});

test('engines of one entry take turns by their weights, spread evenly', () => {
  const [a, b] = [engine('a', null), engine('b', null)];
  const model: ModelConfig = { id: 'm', engines: [{ a: 3, b: 1 }], audioTokensPerMinute: 1 };
  const selection = createRegistry({ models: [model], engines: [a, b], allowStandIn: false }).select('m');
  const turns = Array.from({ length: 8 }, () => selection.next(new Set()).engine?.id).join('');
  assert.equal(turns, 'aabaaaba');
  assert.equal(selection.next(new Set([a])).engine, b);
});

test('pieces are as short as the engine with the shortest needs them', () => {
  const short = watchEngine(
    createHeldEngine({ id: 'zai', capabilities: { ...cluster.capabilities, pieceSecondsMax: 20 } }),
    clock,
    silentLogger,
  );
  assert.equal(select(GLM.id, [cluster, short], true).pieceSecondsMax, 20);
  assert.equal(select(GLM.id, [cluster], true).pieceSecondsMax, 28);
});
