/** The order of work, with an engine that the test holds in its hand; real engines are tested in `src/test`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import type { Pcm, Piece } from '../core/pcm.ts';
import type { Transcript } from '../core/transcript.ts';
import type { Engine, EngineOptions, EngineText } from '../engines/contract.ts';
import { createRegistry } from '../engines/registry.ts';
import { createRecognizer, type Hints, type Recognizer } from './recognize.ts';
import { createSchedule, type Schedule } from './schedule.ts';

const SECOND = 16_000;

/** One call of the engine, which the test ends as it likes. */
interface Held {
  /** The piece's first sample, which in `numbered` is the index of its second. */
  readonly first: number;
  readonly options: EngineOptions;
  readonly signal: AbortSignal;
  resolve(result: EngineText): void;
  reject(error: unknown): void;
}

class HeldEngine implements Engine {
  readonly id = 'held';
  readonly model = null;
  readonly capabilities = {
    languages: ['en', 'zh'],
    pieceSecondsMax: 28,
    prompt: true,
    hotwords: false,
    timestamps: false,
    tokenCounts: false,
  };
  readonly calls: Held[] = [];
  readonly concurrency: number;
  #arrived: () => void = () => {};

  constructor(concurrency: number) {
    this.concurrency = concurrency;
  }

  ready(): boolean {
    return true;
  }

  transcribe(samples: Float32Array, options: EngineOptions, signal: AbortSignal): Promise<EngineText> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.calls.push({ first: samples[0] ?? -1, options, signal, resolve, reject });
      this.#arrived();
    });
  }

  /** The call with this number, as soon as it has arrived. */
  async call(number: number): Promise<Held> {
    for (;;) {
      const held = this.calls[number];
      if (held !== undefined) return held;
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  async close(): Promise<void> {}
}

/** A recording whose every sample is the number of its second. */
function numbered(seconds: number): Pcm {
  return {
    sampleCount: seconds * SECOND,
    durationMs: seconds * 1_000,
    read: async (start, end) => Float32Array.from({ length: end - start }, (_, i) => Math.floor((start + i) / SECOND)),
    async [Symbol.asyncDispose]() {},
  };
}

function secondsAsPieces(count: number): Piece[] {
  return Array.from({ length: count }, (_, second) => ({
    start: second * SECOND,
    end: (second + 1) * SECOND,
    forcedEnd: false,
  }));
}

function setUp(concurrency: number): { engine: HeldEngine; recognizer: Recognizer; schedule: Schedule } {
  const engine = new HeldEngine(concurrency);
  const registry = createRegistry({
    models: [{ id: 'a/model', engines: ['held'], audioTokensPerMinute: 1 }],
    engines: [engine],
    allowStandIn: false,
  });
  const schedule = createSchedule({ audioSecondsMax: 1_000, clock: { now: () => 0 } });
  return { engine, recognizer: createRecognizer({ registry, schedule }), schedule };
}

async function recognize(
  recognizer: Recognizer,
  pieces: readonly Piece[],
  options: { outputTokensMax?: number; hints?: Hints; signal?: AbortSignal } = {},
): Promise<Transcript> {
  const { outputTokensMax = 1_000, hints = {}, signal = new AbortController().signal } = options;
  using place = recognizer.enter(pieces);
  const selection = recognizer.select('a/model');
  const pcm = numbered(pieces.length);
  return await recognizer.recognize({ selection, pcm, pieces, hints, outputTokensMax, place }, signal);
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

test('the first failure stops the other pieces, starts no more and is the outcome', async () => {
  const { engine, recognizer, schedule } = setUp(2);
  const refused = assert.rejects(recognize(recognizer, secondsAsPieces(5)), { code: 'engine_failed' });
  const [first, second] = [await engine.call(0), await engine.call(1)];
  second.reject(new AppError('engine_failed'));
  await refused;
  assert.equal(first.signal.aborted, true);
  assert.equal(engine.calls.length, 2);
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
    { start: 0, end: 20 * SECOND, forcedEnd: false },
    { start: 20 * SECOND, end: 27 * SECOND, forcedEnd: false },
    { start: 27 * SECOND, end: 28 * SECOND, forcedEnd: false },
  ];
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
