import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SAMPLE_RATE_HZ, type Piece } from '../core/pcm.ts';
import type { EngineSegment } from '../engines/contract.ts';
import { clausesOf } from './clauses.ts';
import { joinTexts, sharesOf } from './join.ts';
import { segmentsOf, type Timing } from './segments.ts';

/** A piece whose speech lies at these seconds; a quarter of a second of pause is around it. */
function pieceOf(...speech: [number, number][]): Piece {
  const regions = speech.map(([start, end]) => ({ start: start * SAMPLE_RATE_HZ, end: end * SAMPLE_RATE_HZ }));
  const [first, last] = [regions[0]?.start ?? 0, regions.at(-1)?.end ?? 0];
  const padding = SAMPLE_RATE_HZ / 4;
  return { start: Math.max(0, first - padding), end: last + padding, forcedEnd: false, speech: regions };
}

function timed(...pieces: { piece: Piece; text: string; segments?: EngineSegment[] }[]): Timing {
  const shares = sharesOf(pieces.map(({ piece, text }) => ({ text, forcedEnd: piece.forcedEnd })));
  const heard = pieces.map(({ piece, text, segments }) => ({
    piece,
    text: { text, ...(segments === undefined ? {} : { segments }) },
  }));
  return segmentsOf(heard, shares);
}

test("the engine's own times count from the beginning of the recording", () => {
  const { segments, fromSpeechRegions } = timed({
    piece: pieceOf([10.25, 16]),
    text: 'First one. Then two.',
    segments: [
      { start: 0.2, end: 2, text: 'First one.' },
      { start: 2.5, end: 5.1234, text: 'Then two.' },
    ],
  });
  assert.equal(fromSpeechRegions, false);
  assert.deepEqual(segments, [
    { start: 10.2, end: 12, text: 'First one.' },
    { start: 12.5, end: 15.123, text: 'Then two.' },
  ]);
});

test("where joining changed the text, the engine's times stay with its words", () => {
  const { segments } = timed(
    {
      piece: { ...pieceOf([0.25, 3]), forcedEnd: true },
      text: 'We walked along the river.',
      segments: [{ start: 0, end: 3, text: 'We walked along the river.' }],
    },
    {
      piece: pieceOf([3.5, 9]),
      text: 'River until dusk. Then home.',
      segments: [
        { start: 0, end: 2, text: 'River until dusk.' },
        { start: 2, end: 4, text: 'Then home.' },
      ],
    },
  );
  assert.deepEqual(
    segments.map(({ text }) => text),
    ['We walked along the river', 'until dusk.', 'Then home.'],
  );
});

test('times that cannot be true are not taken from an engine', () => {
  for (const segments of [
    [{ start: 0, end: 0, text: 'Both.' }],
    [
      { start: 2, end: 3, text: 'Two.' },
      { start: 1, end: 2, text: 'One.' },
    ],
    [{ start: 0, end: 90, text: 'Long.' }],
    [],
  ]) {
    assert.equal(timed({ piece: pieceOf([1, 4]), text: 'Two. One.', segments }).fromSpeechRegions, true);
  }
});

test('without times of an engine, sentences lie on the speech by their length and end in its pauses', () => {
  const { segments, fromSpeechRegions } = timed({
    piece: pieceOf([1, 3], [4, 6.2]),
    text: 'The first has words. The other has more.',
  });
  assert.equal(fromSpeechRegions, true);
  assert.deepEqual(segments, [
    { start: 1, end: 3, text: 'The first has words.' },
    { start: 4, end: 6.2, text: 'The other has more.' },
  ]);
});

test('a border far from any pause lies within speech, and the two parts touch', () => {
  const { segments } = timed({ piece: pieceOf([0, 10]), text: '你好世界。你好世界。' });
  assert.deepEqual(segments, [
    { start: 0, end: 5, text: '你好世界。' },
    { start: 5, end: 10, text: '你好世界。' },
  ]);
});

test('pieces without text have no segment', () => {
  assert.deepEqual(timed({ piece: pieceOf([1, 2]), text: '' }, { piece: pieceOf([3, 4]), text: 'a' }).segments, [
    { start: 3, end: 4, text: 'a' },
  ]);
  assert.deepEqual(timed().segments, []);
});

const CLAUSES: readonly [string, string[]][] = [
  ['One. Two? Three!', ['One.', 'Two?', 'Three!']],
  ['I met Mr. Dashwood at 3.5 miles.', ['I met Mr. Dashwood at 3.5 miles.']],
  ['你好。再见！', ['你好。', '再见！']],
  ['“Did he?” she said.', ['“Did he?”', 'she said.']],
  [
    'The library opens early in the morning, and the children come to read stories about ships and distant islands.',
    [
      'The library opens early in the morning,',
      'and the children come to read stories about ships and distant islands.',
    ],
  ],
  [
    'he was walking along the river until he found a small boat under the old bridge and took it to the other side of the water',
    [
      'he was walking along the river until he found a small boat under',
      'the old bridge and took it to the other side of the water',
    ],
  ],
];

for (const [text, clauses] of CLAUSES) {
  test(`"${text.slice(0, 30)}" has ${clauses.length} clauses`, () => assert.deepEqual(clausesOf(text), clauses));
}

const word = fc.constantFrom(
  'a',
  'boat',
  'river,',
  'River.',
  'Mr.',
  '你好',
  '好。',
  '5',
  '“so”',
  'สวัสดี',
  '안녕',
  '—',
  'extraordinarily',
  '我还能再搞一个，',
  '...',
  '😀',
);
const anyText = fc.oneof(
  fc.array(word, { maxLength: 40 }).map((words) => words.join(' ')),
  fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const anySegments = fc.array(
  fc.record({
    start: fc.double({ min: -1, max: 30, noNaN: true }),
    end: fc.double({ min: -1, max: 30, noNaN: true }),
    text: anyText,
  }),
  { maxLength: 4 },
);
/** Pieces one behind the other, each of pauses and speech in turn. */
const anyPieces = fc
  .array(
    fc.record({
      lengths: fc.array(fc.integer({ min: 1, max: 80_000 }), { minLength: 2, maxLength: 9 }),
      text: anyText,
      forcedEnd: fc.boolean(),
      segments: fc.option(anySegments, { nil: undefined }),
    }),
    { maxLength: 5 },
  )
  .map((pieces) => {
    let at = 0;
    return pieces.map(({ lengths, text, forcedEnd, segments }) => {
      const start = at;
      const speech: { start: number; end: number }[] = [];
      for (const [index, length] of lengths.entries()) {
        if (index % 2 === 1) speech.push({ start: at, end: at + length });
        at += length;
      }
      return { piece: { start, end: at, forcedEnd, speech }, text, ...(segments === undefined ? {} : { segments }) };
    });
  });

test('segments are in order, none reaches into another or beyond the recording, and their texts are the whole text', () => {
  const check = (pieces: readonly { piece: Piece; text: string; segments?: EngineSegment[] }[]): void => {
    const { segments } = timed(...pieces);
    const duration = Math.ceil(((pieces.at(-1)?.piece.end ?? 0) * 1000) / SAMPLE_RATE_HZ) / 1000;
    let last = 0;
    for (const { start, end, text } of segments) {
      assert.ok(last <= start && start <= end && end <= duration, `${last} ${start} ${end} of ${duration}`);
      assert.notEqual(text.trim(), '');
      last = end;
    }
    const whole = joinTexts(pieces.map(({ piece, text }) => ({ text, forcedEnd: piece.forcedEnd })));
    assert.equal(joinTexts(segments.map(({ text }) => ({ text, forcedEnd: false }))), whole);
  };
  fc.assert(fc.property(anyPieces, check), { seed: 8, numRuns: 500 });
});

test('clauses, joined, are the text again', () => {
  const check = (text: string): void => {
    const [share = ''] = sharesOf([{ text, forcedEnd: false }]);
    const clauses = clausesOf(share);
    assert.equal(joinTexts(clauses.map((clause) => ({ text: clause, forcedEnd: false }))), share);
  };
  fc.assert(fc.property(anyText, check), { seed: 9, numRuns: 500 });
});
