import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/log.ts';
import { createGlmEngine } from '../engines/glm/engine.ts';
import { createRegistry, type ModelConfig } from '../engines/registry.ts';
import { watchEngine } from '../engines/watched-engine.ts';
import { warningsFor } from './warnings.ts';

const MODEL: ModelConfig = { id: 'glm/glm-asr-2512', engines: [{ local: 1 }], audioTokensPerMinute: 80_000 };
const HINTS = { language: 'sw', prompt: 'Earlier.', hotwords: ['earshot'] };

test('hints that an engine takes without having been trained for them are warned of, as are those that it does not take', () => {
  const codes = (hints: boolean): string[] => {
    const options = { id: 'local', path: '/nowhere', workers: 1, threads: 1, batch: 1, hints, log: silentLogger };
    const engine = watchEngine(createGlmEngine(options), { now: () => 0 }, silentLogger);
    const selection = createRegistry({ models: [MODEL], engines: [engine], allowStandIn: false }).select(MODEL.id);
    return warningsFor(selection, selection.engines, HINTS).map(({ code }) => code);
  };
  assert.deepEqual(codes(true), ['language_not_supported', 'hotwords_untrained']);
  assert.deepEqual(codes(false), ['language_not_supported', 'prompt_not_supported', 'hotwords_not_supported']);
});
