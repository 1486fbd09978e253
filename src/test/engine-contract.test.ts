/** The contract of engines, for each engine: the embedded one itself, the others in front of their vendors' fakes. */
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import type { Engine } from '../engines/contract.ts';
import { createMoonshineEngine } from '../engines/moonshine/engine.ts';
import { createOpenAiEngine } from '../engines/openai/engine.ts';
import { createZaiEngine } from '../engines/zai/engine.ts';
import { testEngineContract, type EngineUnderTest } from './engine-contract.ts';
import { startFakeOpenAi } from './fake-openai.ts';
import type { FakeVendor } from './fake-vendor.ts';
import { startFakeZai } from './fake-zai.ts';
import { textOf } from './recordings.ts';

const SERVICES = { timeoutMs: 60_000, clock: systemClock, log: silentLogger };

const OPENAI = {
  ...SERVICES,
  id: 'cluster',
  apiKey: 'test-key',
  modelName: 'zai-org/GLM-ASR-Nano-2512',
  headers: {},
  inFlightMax: 4,
  languages: null,
  prompt: false,
  timestamps: false,
  instruction: 'Please transcribe this audio into text',
};

function inFrontOf(fake: FakeVendor, engine: Engine, boundsOutput: boolean): EngineUnderTest {
  let stalled = 0;
  return {
    engine,
    boundsOutput,
    stall() {
      fake.next({ kind: 'hang' });
      stalled = fake.requests.length + 1;
    },
    begun: () => fake.received(stalled),
    idle: () => fake.idle(),
    inFlightMost: () => fake.inFlightMost,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

testEngineContract('the embedded engine', async () => {
  const engine = createMoonshineEngine({ id: 'embedded', workers: 2, log: silentLogger });
  await engine.started;
  return {
    engine,
    boundsOutput: true,
    stall() {},
    begun: () => setImmediate(),
    idle: async () => {},
    inFlightMost: () => null,
    [Symbol.asyncDispose]: () => engine.close(),
  };
});

testEngineContract('the engine for Z.ai', async () => {
  const fake = await startFakeZai({ apiKey: 'id.secret', inFlightMax: 3, text: textOf });
  const engine = createZaiEngine({
    ...SERVICES,
    id: 'zai',
    apiKey: 'id.secret',
    baseUrl: fake.baseUrl,
    inFlightMax: 3,
  });
  return inFrontOf(fake, engine, false);
});

for (const server of ['vllm', 'sglang'] as const) {
  testEngineContract(`the engine for ${server} by chat`, async () => {
    const fake = await startFakeOpenAi({ server, apiKey: 'test-key', text: textOf });
    return inFrontOf(fake, createOpenAiEngine({ ...OPENAI, mode: 'chat', baseUrl: fake.baseUrl }), true);
  });
}

testEngineContract('the engine for vllm by transcriptions', async () => {
  const fake = await startFakeOpenAi({ apiKey: 'test-key', text: textOf });
  return inFrontOf(fake, createOpenAiEngine({ ...OPENAI, mode: 'transcriptions', baseUrl: fake.baseUrl }), false);
});
