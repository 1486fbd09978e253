/** The order of work, with an engine that the test holds in its hand; real engines are tested in `src/test`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { silentLogger } from '../core/log.ts';
import type { Pcm, Piece } from '../core/pcm.ts';
import type { Transcript } from '../core/transcript.ts';
import { EngineError } from '../engines/contract.ts';
import { createHeldEngine, type HeldEngine } from '../engines/held-engine.ts';
import { createRegistry } from '../engines/registry.ts';
import { createRetryBudget } from '../engines/retry-budget.ts';
import { watchEngine } from '../engines/watched-engine.ts';
import { createDispatch } from './dispatch.ts';
import { createRecognizer, type Hints, type Recognizer } from './recognize.ts';
import { createSchedule, type Schedule } from './schedule.ts';

const SECOND = 16_000;

/** A recording whose every sample is the number of its second. */
function numbered(seconds: number): Pcm {
  return {
    sampleCount: seconds * SECOND,
    durationMs: seconds * 1_000,
    async read(start, end) {
      // As from a file: not within this turn of the event loop.
      await setImmediate();
      return Float32Array.from({ length: end - start }, (_, index) => Math.floor((start + index) / SECOND));
    },
    async [Symbol.asyncDispose]() {},
  };
}

function secondsAsPieces(count: number): Piece[] {
  return Array.from({ length: count }, (_, second) => ({
    start: second * SECOND,
    end: (second + 1) * SECOND,
    forcedEnd: false,
    speech: [{ start: second * SECOND, end: (second + 1) * SECOND }],
  }));
}

function setUp(concurrency: number): { engine: HeldEngine; recognizer: Recognizer; schedule: Schedule } {
  const engine = createHeldEngine({ concurrency });
  const clock = { now: () => 0 };
  const registry = createRegistry({
    models: [{ id: 'a/model', engines: [{ held: 1 }], audioTokensPerMinute: 1 }],
    engines: [watchEngine(engine, clock, silentLogger)],
    allowStandIn: false,
  });
  const schedule = createSchedule({ audioSecondsMax: 1_000, clock });
  const dispatch = createDispatch({ budget: createRetryBudget(clock), wait: async () => {} });
  return { engine, recognizer: createRecognizer({ registry, schedule, dispatch }), schedule };
}

async function recognize(
  recognizer: Recognizer,
  pieces: readonly Piece[],
  options: { outputTokensMax?: number; hints?: Hints; timestamps?: boolean; signal?: AbortSignal } = {},
): Promise<Transcript> {
  const { outputTokensMax = 1_000, hints = {}, timestamps = false, signal = new AbortController().signal } = options;
  using place = recognizer.enter('key', pieces);
  const selection = recognizer.select('a/model');
  const pcm = numbered(pieces.length);
  return await recognizer.recognize(
    { selection, pcm, pieces, hints, userId: null, timestamps, outputTokensMax, place },
    signal,
  );
}

test('pieces start in order, never more than the engine works on, and join in order whenever they end', async () => {
  const { engine, recognizer, schedule } = setUp(2);
  const transcript = recognize(recognizer, secondsAsPieces(4));
  const [first, second] = [await engine.call(0), await engine.call(1)];
  assert.deepEqual([first.first, second.first, engine.calls.length], [0, 1, 2]);
  second.resolve({ text: 'two' });
  const third = await engine.call(2);
  assert.deepEqual([third.first, engine.calls.length, schedule.audioSeconds()], [2, 3, 3]);
  third.resolve({ text: '' });
  (await engine.call(3)).resolve({ text: 'four' });
  first.resolve({ text: 'one' });
  assert.equal((await transcript).text, 'one two four');
  assert.equal(schedule.audioSeconds(), 0);
});

test('the first piece that fails for good stops the others, starts no more and is the outcome', async () => {
  const { engine, recognizer, schedule } = setUp(2);
  const refused = assert.rejects(recognize(recognizer, secondsAsPieces(5)), { code: 'engine_failed' });
  const first = await engine.call(0);
  // The second piece is tried again at the next free place, before later pieces.
  for (const [number, piece] of [1, 2, 1, 3, 1].entries()) {
    const call = await engine.call(number + 1);
    assert.equal(call.first, piece);
    if (piece === 1) call.reject(new EngineError('failed'));
    else call.resolve({ text: 'later' });
  }
  await refused;
  assert.equal(first.signal.aborted, true);
  assert.equal(engine.calls.length, 6);
  assert.equal(schedule.audioSeconds(), 0);
});

test("an abort stops every piece with the signal's reason", async () => {
  const { engine, recognizer, schedule } = setUp(3);
  const controller = new AbortController();
  const refused = assert.rejects(recognize(recognizer, secondsAsPieces(5), { signal: controller.signal }), {
    message: 'The caller is gone.',
  });
  await engine.call(2);
  controller.abort(new Error('The caller is gone.'));
  await refused;
  assert.deepEqual(
    engine.calls.map(({ signal }) => signal.aborted),
    [true, true, true],
  );
  assert.equal(schedule.audioSeconds(), 0);
});

test('the bound on tokens is shared by length and never exceeded by the sum', async () => {
  const { engine, recognizer } = setUp(8);
  const pieces = [
    { start: 0, end: 20 * SECOND },
    { start: 20 * SECOND, end: 27 * SECOND },
    { start: 27 * SECOND, end: 28 * SECOND },
  ].map((range) => ({ ...range, forcedEnd: false, speech: [] }));
  const transcript = recognize(recognizer, pieces, { outputTokensMax: 400 });
  await engine.call(2);
  assert.deepEqual(
    engine.calls.map(({ options }) => options.outputTokensMax),
    [285, 100, 14],
  );
  for (const call of engine.calls) call.resolve({ text: 'a' });
  await transcript;
});

test("tokens are the engine's own where it counts every piece, else estimated for the whole text", async () => {
  for (const { counts, tokens, estimated } of [
    { counts: [3, 0], tokens: 3, estimated: false },
    { counts: [30, undefined], tokens: 2, estimated: true },
  ]) {
    const { engine, recognizer } = setUp(2);
    const transcript = recognize(recognizer, secondsAsPieces(2));
    for (const [number, outputTokens] of counts.entries()) {
      const call = await engine.call(number);
      call.resolve({ text: 'one', ...(outputTokens === undefined ? {} : { outputTokens }) });
    }
    const { outputTokens, estimated: wasEstimated } = await transcript;
    assert.deepEqual([outputTokens, wasEstimated], [tokens, estimated]);
  }
});

test('without pieces no engine is asked, and the text is empty', async () => {
  const { engine, recognizer } = setUp(2);
  assert.deepEqual(await recognize(recognizer, []), {
    text: '',
    engine: 'held',
    engines: ['held'],
    outputTokens: 0,
    estimated: false,
    warnings: [],
  });
  assert.equal(engine.calls.length, 0);
});

test('hints reach the engine, and only those that it cannot use are warned of', async () => {
  const { engine, recognizer } = setUp(1);
  const hints = { language: 'zh', prompt: 'Earlier.', hotwords: ['earshot'] };
  const transcript = recognize(recognizer, secondsAsPieces(1), { hints });
  const call = await engine.call(0);
  assert.deepEqual(call.options, { ...hints, outputTokensMax: 1_000 });
  call.resolve({ text: '好' });
  assert.deepEqual(
    (await transcript).warnings.map(({ code, param }) => ({ code, param })),
    [{ code: 'hotwords_not_supported', param: 'inputs.hotwords' }],
  );
});

test('empty hints ask for nothing and bring no warning', async () => {
  const { engine, recognizer } = setUp(1);
  const transcript = recognize(recognizer, secondsAsPieces(1), { hints: { hotwords: [], prompt: '' } });
  (await engine.call(0)).resolve({ text: '' });
  assert.deepEqual((await transcript).warnings, []);
});

test('a text that can hardly be right is heard once more in parts, and only the text that is taken is counted', async () => {
  const { engine, recognizer, schedule } = setUp(1);
  const whole = { start: 0, end: 10 * SECOND };
  const speech = [
    { start: 0, end: 4 * SECOND },
    { start: 6 * SECOND, end: 10 * SECOND },
  ];
  const transcript = recognize(recognizer, [{ ...whole, forcedEnd: false, speech }], { timestamps: true });
  (await engine.call(0)).resolve({ text: 'We.', outputTokens: 900, truncated: true });
  const first = await engine.call(1);
  assert.deepEqual([first.first, first.options.outputTokensMax], [0, 500]);
  first.resolve({ text: 'We walked along the river.', outputTokens: 7 });
  const second = await engine.call(2);
  assert.deepEqual([second.first, second.options.outputTokensMax], [5, 500]);
  second.resolve({ text: 'Until we found a boat.', outputTokens: 6 });
  const { text, segments, outputTokens, warnings } = await transcript;
  assert.equal(text, 'We walked along the river. Until we found a boat.');
  assert.equal(outputTokens, 13);
  assert.deepEqual(segments, [
    { start: 0, end: 4, text: 'We walked along the river.' },
    { start: 6, end: 10, text: 'Until we found a boat.' },
  ]);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['timestamps_from_speech_regions'],
  );
  assert.equal(schedule.audioSeconds(), 0);
});

test('what stays doubtful is delivered with a warning that names its range', async () => {
  const { engine, recognizer } = setUp(1);
  const range = { start: 0, end: 10 * SECOND };
  const transcript = recognize(recognizer, [{ ...range, forcedEnd: false, speech: [range] }]);
  for (const number of [0, 1, 2]) (await engine.call(number)).resolve({ text: '' });
  const { text, segments, warnings } = await transcript;
  assert.deepEqual([text, segments, engine.calls.length], ['', undefined, 3]);
  assert.deepEqual(
    warnings.map(({ code, start, end }) => [code, start, end]),
    [['text_suspect', 0, 10]],
  );
});
