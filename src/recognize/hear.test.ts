import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_RATE_HZ, type Piece } from '../core/pcm.ts';
import { AppError } from '../core/errors.ts';
import type { Engine, EngineText } from '../engines/contract.ts';
import { createHeldEngine } from '../engines/held-engine.ts';
import { hear, warningOfSuspicion, type Heard } from './hear.ts';

const SECOND = SAMPLE_RATE_HZ;

/** Ten seconds of speech from second 20 on, with one pause. */
const piece: Piece = {
  start: 20 * SECOND,
  end: 30 * SECOND,
  forcedEnd: true,
  speech: [
    { start: 20 * SECOND, end: 24 * SECOND },
    { start: 25 * SECOND, end: 30 * SECOND },
  ],
};
const pcm = { read: async (start: number, end: number) => new Float32Array(end - start).fill(0.1) };
const { signal } = new AbortController();
const engine = createHeldEngine();

const SENTENCE = 'We walked along the river until we found a small boat under the old bridge.';
const LOOP = Array.from({ length: 8 }, () => 'Thank you so much.').join(' ');

interface Call {
  /** The seconds of the piece that was heard. */
  readonly start: number;
  readonly end: number;
  readonly doubted: Engine | null;
}

/** Hears with an engine that gives these texts one after another. */
async function heardWith(...texts: EngineText[]): Promise<{ heard: readonly Heard[]; calls: Call[] }> {
  const calls: Call[] = [];
  const listen = async ({ start, end }: Piece, doubted: Engine | null) => {
    calls.push({ start: start / SECOND, end: end / SECOND, doubted });
    return { text: texts[calls.length - 1] ?? { text: '' }, engine };
  };
  return { heard: await hear(piece, { pcm, listen }, signal), calls };
}

test('what can be right is heard once', async () => {
  const { heard, calls } = await heardWith({ text: SENTENCE });
  assert.deepEqual(calls, [{ start: 20, end: 30, doubted: null }]);
  assert.deepEqual(heard, [{ piece, text: { text: SENTENCE }, engine, suspicion: null }]);
});

for (const [what, first] of [
  ['an empty text', { text: '' }],
  ['a loop', { text: LOOP }],
  ['a text that was broken off', { text: 'We walked along', truncated: true }],
  ['far too little', { text: 'We.' }],
  ['far too much', { text: Array.from({ length: 90 }, (_, index) => `word${index}`).join(' ') }],
] as const) {
  test(`${what} is heard once more, cut in the pause, and the second text is taken`, async () => {
    const { heard, calls } = await heardWith(
      first,
      { text: 'We walked along the river.' },
      { text: 'Until we found a boat.' },
    );
    assert.deepEqual(calls.slice(1), [
      { start: 20, end: 24.5, doubted: engine },
      { start: 24.5, end: 30, doubted: engine },
    ]);
    assert.deepEqual(
      heard.map(({ text, suspicion, piece: { start, forcedEnd } }) => [
        text.text,
        suspicion,
        start / SECOND,
        forcedEnd,
      ]),
      [
        ['We walked along the river.', null, 20, false],
        ['Until we found a boat.', null, 24.5, true],
      ],
    );
    assert.deepEqual(heard.map(warningOfSuspicion), [null, null]);
  });
}

test('what is wrong again comes with a warning of the range where it is', async () => {
  const { heard } = await heardWith({ text: LOOP }, { text: 'We walked along the river.' }, { text: LOOP });
  assert.deepEqual(heard.map(warningOfSuspicion), [
    null,
    {
      code: 'text_suspect',
      message: 'The same words are repeated over and over here. Compare it with the audio.',
      param: 'inputs.audio',
      start: 24.5,
      end: 30,
    },
  ]);
});

test('of two texts that are both wrong, the one with a usual amount of text is taken, and none is dropped silently', async () => {
  const { heard } = await heardWith(
    { text: 'We walked along the river.', truncated: true },
    { text: '' },
    { text: '' },
  );
  assert.deepEqual(
    heard.map(({ text, suspicion }) => [text.text, suspicion]),
    [['We walked along the river.', 'truncated']],
  );
  assert.deepEqual(
    [warningOfSuspicion(heard[0] ?? assert.fail())].map((warning) => [warning?.start, warning?.end]),
    [[20, 30]],
  );
});

test('it is never heard a third time', async () => {
  const { calls } = await heardWith({ text: LOOP }, { text: LOOP }, { text: LOOP });
  assert.equal(calls.length, 3);
});

test('where it cannot be heard again, the first text stays, with its warning', async () => {
  const listen = async (_: Piece, doubted: Engine | null) => {
    if (doubted !== null) throw new AppError('engine_unavailable');
    return { text: { text: LOOP }, engine };
  };
  const heard = await hear(piece, { pcm, listen }, signal);
  assert.deepEqual(
    heard.map(({ text, suspicion }) => [text.text, suspicion]),
    [[LOOP, 'repetition']],
  );
});

test('an abort while it is heard again is the outcome', async () => {
  const controller = new AbortController();
  const listen = async (_: Piece, doubted: Engine | null) => {
    if (doubted !== null) controller.abort(new AppError('shutting_down'));
    controller.signal.throwIfAborted();
    return { text: { text: '' }, engine };
  };
  await assert.rejects(hear(piece, { pcm, listen }, controller.signal), { code: 'shutting_down' });
});
