import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { silentLogger } from '../core/log.ts';
import { EngineError } from './contract.ts';
import { createHeldEngine } from './held-engine.ts';
import { createProber } from './probe.ts';
import { watchEngine } from './watched-engine.ts';

const SECOND = new Float32Array(16_000);

function setUp() {
  let now = 1_000_000;
  const clock = { now: () => now };
  const held = createHeldEngine({ concurrency: 4 });
  const engine = watchEngine(held, clock, silentLogger);
  const ask = (signal = new AbortController().signal) => engine.transcribe(SECOND, { outputTokensMax: 9 }, signal);
  return {
    clock,
    held,
    engine,
    ask,
    pass: (ms: number) => (now += ms),
    fail: async (error: unknown): Promise<void> => {
      const asked = ask();
      held.calls.at(-1)?.reject(error);
      await assert.rejects(asked);
    },
  };
}

test('a busy engine is left alone for as long as it asked, and without a word ever longer', async () => {
  const { engine, held, ask, fail, pass } = setUp();
  await fail(new EngineError('busy', { retryAfterMs: 7_000 }));
  assert.equal(engine.askableInMs(), 7_000);
  pass(7_000);
  assert.equal(engine.askableInMs(), 0);
  await fail(new EngineError('busy'));
  assert.equal(engine.askableInMs(), 500);
  pass(500);
  await fail(new EngineError('busy'));
  assert.equal(engine.askableInMs(), 1_000);
  pass(1_000);
  const asked = ask();
  held.calls.at(-1)?.resolve({ text: '' });
  await asked;
  await fail(new EngineError('busy'));
  assert.equal(engine.askableInMs(), 250);
  assert.equal(engine.health().breaker, 'closed');
});

test('failures open the breaker, refusals of single pieces do not', async () => {
  const { engine, fail } = setUp();
  for (let count = 0; count < 30; count += 1) await fail(new EngineError('refused'));
  assert.equal(engine.ready(), true);
  for (let count = 0; count < 5; count += 1) await fail(new AppError('engine_failed'));
  assert.deepEqual([engine.ready(), engine.health().breaker, engine.askableInMs()], [false, 'open', 5_000]);
  assert.deepEqual(engine.health().attempts, {
    text: 0,
    busy: 0,
    failed: 5,
    refused: 30,
    unavailable: 0,
    abandoned: 0,
  });
});

test('an engine that can serve nobody is not asked a second time at once', async () => {
  const { engine, fail } = setUp();
  await fail(new EngineError('unavailable'));
  assert.equal(engine.health().breaker, 'open');
});

test('a caller that leaves says nothing of the engine', async () => {
  const { engine, ask } = setUp();
  for (let count = 0; count < 10; count += 1) {
    const controller = new AbortController();
    const asked = ask(controller.signal);
    controller.abort(new Error('gone'));
    await assert.rejects(asked, { message: 'gone' });
  }
  const { breaker, attempts, inFlight } = engine.health();
  assert.deepEqual([breaker, attempts.abandoned, inFlight], ['closed', 10, 0]);
});

test('what it heard and how long that took is counted', async () => {
  const { engine, held, ask, pass } = setUp();
  const asked = ask();
  assert.equal(engine.health().inFlight, 1);
  pass(250);
  held.calls[0]?.resolve({ text: 'word' });
  assert.deepEqual(await asked, { text: 'word' });
  const { audioSeconds, busySeconds, lastTextAt, inFlight } = engine.health();
  assert.deepEqual([audioSeconds, busySeconds, lastTextAt, inFlight], [1, 0.25, 1_000_250, 0]);
});

test('an engine whose processes are being replaced is passed over for a moment', () => {
  const { engine, held } = setUp();
  held.setReady(false);
  assert.deepEqual([engine.ready(), engine.askableInMs()], [false, 500]);
});

test('a probe asks at the start, after five idle minutes, and as the trial of a broken engine', async () => {
  const { engine, held, clock, fail, pass } = setUp();
  const prober = createProber({ engines: [engine], second: SECOND, clock, log: silentLogger });
  const look = async (outcome: 'text' | 'failed' | 'none'): Promise<number> => {
    const before = held.calls.length;
    const looked = prober.look(new AbortController().signal);
    if (outcome === 'text') held.calls.at(-1)?.resolve({ text: '' });
    if (outcome === 'failed') held.calls.at(-1)?.reject(new EngineError('failed'));
    await looked;
    return held.calls.length - before;
  };
  assert.equal(await look('text'), 1);
  assert.equal(held.calls[0]?.samples.length, 16_000);
  pass(299_999);
  assert.equal(await look('none'), 0);
  pass(1);
  assert.equal(await look('text'), 1);
  for (let count = 0; count < 5; count += 1) await fail(new EngineError('failed'));
  assert.equal(await look('none'), 0);
  pass(5_000);
  assert.equal(await look('failed'), 1);
  assert.equal(engine.askableInMs(), 10_000);
  pass(10_000);
  assert.equal(await look('text'), 1);
  assert.equal(engine.health().breaker, 'closed');
});
