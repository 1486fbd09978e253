/** What becomes of a piece when engines fail: a clock in the test's hand, and engines that fail as they are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { silentLogger } from '../core/log.ts';
import { EngineError, type Engine, type EngineText } from '../engines/contract.ts';
import { createHeldEngine } from '../engines/held-engine.ts';
import { createRegistry } from '../engines/registry.ts';
import { createRetryBudget } from '../engines/retry-budget.ts';
import { watchEngine } from '../engines/watched-engine.ts';
import { createDispatch } from './dispatch.ts';
import { createSchedule } from './schedule.ts';

type Answer = EngineText | Error | 'hang';

const failed = (): EngineError => new EngineError('failed');

/** @param scripts what each engine answers, one call after the other; at the end of its script it answers its name. */
function setUp(scripts: Readonly<Record<string, readonly Answer[]>>) {
  let now = 0;
  const clock = { now: () => now };
  const asked: string[] = [];
  const waits: number[] = [];
  const engines = Object.entries(scripts).map(([id, script]) => {
    const answers = [...script];
    const engine: Engine = {
      ...createHeldEngine({ id }),
      concurrency: 2,
      async transcribe(_samples, _options, signal) {
        asked.push(id);
        const answer = answers.shift() ?? { text: id };
        if (answer === 'hang')
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        if (answer instanceof Error) throw answer;
        return answer as EngineText;
      },
    };
    return watchEngine(engine, clock, silentLogger);
  });
  const models = [{ id: 'm', engines: engines.map(({ id }) => ({ [id]: 1 })), audioTokensPerMinute: 1 }];
  const selection = createRegistry({ models, engines, allowStandIn: false }).select('m');
  const schedule = createSchedule({ audioSecondsMax: 1_000, clock });
  const dispatch = createDispatch({
    budget: createRetryBudget(clock),
    async wait(ms, signal) {
      signal.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
  });
  return {
    asked,
    waits,
    pass: (ms: number) => (now += ms),
    hear: async (signal = new AbortController().signal, except?: ReadonlySet<Engine>): Promise<string> => {
      using place = schedule.enter('key', 16_000);
      const pcm = { read: async (start: number, end: number) => new Float32Array(end - start) };
      const stretch = { start: 0, end: 16_000 };
      const options = { outputTokensMax: 10 };
      const more = except === undefined ? {} : { except };
      const heard = await dispatch.hear({ selection, place, pcm, stretch, options, ...more }, signal);
      return `${heard.engine.id}: ${heard.text.text}`;
    },
    engines,
  };
}

test('a piece goes to the first engine', async () => {
  const { hear, asked, waits } = setUp({ a: [], b: [] });
  assert.equal(await hear(), 'a: a');
  assert.deepEqual([asked, waits], [['a'], []]);
});

test('after a failure the next engine is asked at once', async () => {
  const { hear, asked, waits } = setUp({ a: [failed()], b: [] });
  assert.equal(await hear(), 'b: b');
  assert.deepEqual([asked, waits], [['a', 'b'], []]);
});

test('where there is one engine it is asked again, a little later each time, three times in all', async () => {
  const { hear, asked, waits } = setUp({ a: [failed(), failed()] });
  assert.equal(await hear(), 'a: a');
  assert.deepEqual([asked.length, waits], [3, [400, 800]]);
  const hopeless = setUp({ a: [failed(), failed(), failed()] });
  await assert.rejects(hopeless.hear(), { code: 'engine_failed' });
  assert.equal(hopeless.asked.length, 3);
});

test('a refused piece is never offered to the same engine again', async () => {
  const refused = new EngineError('refused');
  const { hear, asked } = setUp({ a: [refused], b: [refused] });
  await assert.rejects(hear(), { code: 'engine_failed' });
  assert.deepEqual(asked, ['a', 'b']);
});

test('a busy engine is waited for as long as it asked, where there is no other', async () => {
  const { hear, asked, waits } = setUp({ a: [new EngineError('busy', { retryAfterMs: 7_000 })] });
  assert.equal(await hear(), 'a: a');
  assert.deepEqual([asked, waits.reduce((sum, ms) => sum + ms, 0)], [['a', 'a'], 7_000]);
});

test('while it is busy others get the next pieces', async () => {
  const { hear, asked, pass } = setUp({ a: [new EngineError('busy', { retryAfterMs: 7_000 })], b: [] });
  assert.equal(await hear(), 'b: b');
  assert.equal(await hear(), 'b: b');
  pass(7_000);
  assert.equal(await hear(), 'a: a');
  assert.deepEqual(asked, ['a', 'b', 'b', 'a']);
});

test('what an engine asks for beyond the patience of a call is told to the caller', async () => {
  const { hear, asked } = setUp({ a: [new EngineError('busy', { retryAfterMs: 60_000 })] });
  await assert.rejects(
    hear(),
    (error) => error instanceof AppError && error.code === 'engine_unavailable' && error.retryAfterSeconds === 60,
  );
  await assert.rejects(hear(), { code: 'engine_unavailable' });
  assert.equal(asked.length, 1);
});

test('an engine that can serve nobody is passed over until a trial succeeds', async () => {
  const { hear, asked, pass } = setUp({ a: [new EngineError('unavailable'), new EngineError('unavailable')], b: [] });
  assert.equal(await hear(), 'b: b');
  assert.equal(await hear(), 'b: b');
  pass(5_000);
  assert.equal(await hear(), 'b: b');
  pass(10_000);
  assert.equal(await hear(), 'a: a');
  assert.deepEqual(asked, ['a', 'b', 'b', 'a', 'b', 'a']);
});

test('a broken engine is waited for where there is no other', async () => {
  const { hear, asked, waits } = setUp({ a: Array.from({ length: 5 }, failed) });
  await assert.rejects(hear());
  waits.length = 0;
  assert.equal(await hear(), 'a: a');
  assert.deepEqual([asked.length, waits.at(-1)], [6, 5_000]);
});

test('nobody waits for an engine that its operator must mend', async () => {
  const { hear, asked, waits } = setUp({ a: [new EngineError('unavailable')] });
  await assert.rejects(hear(), { code: 'engine_unavailable' });
  assert.deepEqual([asked.length, waits], [1, []]);
});

test('second tries end with the budget', async () => {
  const { hear, asked } = setUp({ a: Array.from({ length: 40 }, failed), b: Array.from({ length: 40 }, failed) });
  for (let count = 0; count < 10; count += 1) await assert.rejects(hear());
  // Ten in a minute, and with every engine broken no first ones either.
  assert.ok(asked.length <= 20, String(asked.length));
});

test('an abort ends the wait and the attempt, with its reason and without another try', async () => {
  const { hear, asked } = setUp({ a: ['hang'], b: [] });
  const controller = new AbortController();
  const heard = hear(controller.signal);
  setImmediate(() => controller.abort(new Error('The caller is gone.')));
  await assert.rejects(heard, { message: 'The caller is gone.' });
  assert.deepEqual(asked, ['a']);
});

test('a server that stops does not try again', async () => {
  const { hear, asked } = setUp({ a: [new AppError('shutting_down')], b: [] });
  await assert.rejects(hear(), { code: 'shutting_down' });
  assert.deepEqual(asked, ['a']);
});

test('a bug in an engine is no reason to ask the next one', async () => {
  const { hear, asked } = setUp({ a: [new TypeError('x is not a function')], b: [] });
  await assert.rejects(hear(), TypeError);
  assert.deepEqual(asked, ['a']);
});

test('an engine can be left out', async () => {
  const { hear, engines } = setUp({ a: [], b: [] });
  const [a] = engines;
  assert.ok(a !== undefined);
  assert.equal(await hear(undefined, new Set([a])), 'b: b');
});
