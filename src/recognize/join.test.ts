import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createJoiner, joinTexts, type PieceText } from './join.ts';

/** Pieces that end in pauses. */
function inPauses(...texts: string[]): PieceText[] {
  return texts.map((text) => ({ text, forcedEnd: false }));
}

/** Pieces that were cut through speech. */
function cut(...texts: string[]): PieceText[] {
  return texts.map((text, index) => ({ text, forcedEnd: index < texts.length - 1 }));
}

const CASES: readonly [string, readonly PieceText[], string][] = [
  ['words are one space apart', inPauses('Go forward', 'ten meters.'), 'Go forward ten meters.'],
  ['sentences are one space apart', inPauses('First.', 'Second?', 'Third!'), 'First. Second? Third!'],
  ['Chinese has no space', inPauses('我还能', '再搞一个'), '我还能再搞一个'],
  ['Chinese punctuation has no space', inPauses('你好。', '再见！', '（好）'), '你好。再见！（好）'],
  ['Japanese has no space', inPauses('これは', 'テスト', 'です'), 'これはテストです'],
  ['Thai has no space', inPauses('สวัสดี', 'ครับ'), 'สวัสดีครับ'],
  ['Korean has a space', inPauses('안녕하세요', '여러분'), '안녕하세요 여러분'],
  ['Cyrillic has a space', inPauses('Привет', 'мир'), 'Привет мир'],
  ['a space stands between scripts', inPauses('我用', 'Linux', '系统'), '我用 Linux 系统'],
  ['characters beyond the basic plane count as Chinese', inPauses('𠀀', '𠀁'), '𠀀𠀁'],
  ['empty texts leave no trace', inPauses('', 'a', ' ', '', 'b', ''), 'a b'],
  ['pieces are trimmed', inPauses(' a ', '\nb\n'), 'a b'],
  ['silence is empty', inPauses('', ''), ''],
  ['no pieces are empty', [], ''],

  ['in a pause nothing is mended', inPauses('We walked.', 'Along the river.'), 'We walked. Along the river.'],
  ['in a pause a word may stand twice', inPauses('We walked', 'walked home.'), 'We walked walked home.'],
  ['at a cut the end and the capital go', cut('We walked.', 'Along the river.'), 'We walked along the river.'],
  ['the end goes before a small letter too', cut('ships.', 'and distant islands.'), 'ships and distant islands.'],
  [
    'the capital goes without an end too',
    cut('along the river', 'Until we found it.'),
    'along the river until we found it.',
  ],
  ['a comma at a cut stays', cut('After the storm,', 'We walked.'), 'After the storm, we walked.'],
  ['an ellipsis that the engine wrote at a cut goes', cut('We walked...', 'Along.'), 'We walked along.'],
  ['a question was heard and stays', cut('Did we walk?', 'Along the river.'), 'Did we walk? Along the river.'],
  ['"I" keeps its capital', cut('He said.', "I'm here."), "He said I'm here."],
  ['"A" does not', cut('We found.', 'A boat.'), 'We found a boat.'],
  ['acronyms and numbers stay as they are', cut('at.', 'NASA and', '10 meters.'), 'at NASA and 10 meters.'],
  ['a name with a capital inside keeps it', cut('said.', 'McDonald once.'), 'said McDonald once.'],
  ['days keep their capital', cut('We leave on.', 'Monday.'), 'We leave on Monday.'],
  [
    'a name that stood in mid-sentence elsewhere keeps its capital',
    cut('There Paris is large.', 'Paris is old.'),
    'There Paris is large Paris is old.',
  ],
  [
    'a name of several words keeps its capitals',
    cut('and then.', 'John Dashwood spoke.'),
    'and then John Dashwood spoke.',
  ],
  ['an article before a name does not', cut('we saw.', 'The Thames.'), 'we saw the Thames.'],
  [
    'an abbreviation keeps its dot, and the name after a title its capital',
    cut('I met Mr.', 'Dashwood.'),
    'I met Mr. Dashwood.',
  ],
  ['capitals beyond ASCII go too', cut('Мы шли.', 'Вдоль реки.'), 'Мы шли вдоль реки.'],
  [
    'where every noun has a capital, words keep theirs',
    cut(
      'Der Mann und die Frau und das Kind und der Hund gehen an den Fluss und in das Haus bei der Kirche.',
      'Katzen nicht.',
    ),
    'Der Mann und die Frau und das Kind und der Hund gehen an den Fluss und in das Haus bei der Kirche Katzen nicht.',
  ],
  ['the end of a Chinese piece goes at a cut', cut('我还能。', '再搞一个。'), '我还能再搞一个。'],
  ['a Chinese question stays', cut('好吗？', '好。'), '好吗？好。'],

  [
    'a word on both sides of a cut stands once',
    cut('along the river until.', 'Until we found.'),
    'along the river until we found.',
  ],
  ['two words too', cut('along the river', 'the river until.'), 'along the river until.'],
  ['the mark behind the word is that of its second time', cut('we found.', 'Found, at last.'), 'we found, at last.'],
  ['a different word on the other side stays', cut('the river', 'rivers run.'), 'the river rivers run.'],
  ['what is said twice on purpose stays', cut('no', 'no no.', 'No!'), 'no no no no!'],
  ['numbers are not taken for one heard twice', cut('four five', 'five six.'), 'four five five six.'],
  [
    'doubled Chinese words stand once, doubled characters stay',
    cut('我还能再', '能再搞一个个', '个'),
    '我还能再搞一个个个',
  ],
  ['a piece that is only the doubled word leaves no trace', cut('until.', 'Until.', 'We go.'), 'until we go.'],
  ['where the other side of a cut is empty the end stays', cut('We walked.', '', 'Along.'), 'We walked. Along.'],
];

for (const [guarantee, pieces, joined] of CASES) {
  test(guarantee, () => assert.equal(joinTexts(pieces), joined));
}

test('what is settled leaves at once: only punctuation at a cut waits for the next piece', () => {
  const joiner = createJoiner();
  assert.deepEqual(joiner.push({ text: 'First.', forcedEnd: false }), { ending: '', text: 'First.' });
  assert.deepEqual(joiner.push({ text: 'We walked,', forcedEnd: true }), { ending: '', text: ' We walked' });
  assert.deepEqual(joiner.push({ text: 'Along the river?', forcedEnd: true }), {
    ending: ',',
    text: ' along the river',
  });
  assert.deepEqual(joiner.push({ text: '', forcedEnd: false }), { ending: '', text: '' });
  assert.equal(joiner.finish(), '?');
  assert.equal(joiner.finish(), '');
});

const word = fc.constantFrom(
  'a',
  'Boat',
  'river.',
  'River',
  'no',
  'No,',
  '你好',
  '好。',
  '5',
  "I'm",
  'U.S.',
  '...',
  '“so”',
  'Ну?',
);
const piece = fc.record({
  text: fc.oneof(
    fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  ),
  forcedEnd: fc.boolean(),
});

test('what has left never changes: pieces pushed one by one give the beginnings of the whole', () => {
  const check = (pieces: readonly PieceText[]): void => {
    const joiner = createJoiner();
    const deltas = pieces.map((next) => {
      const { ending, text } = joiner.push(next);
      return ending + text;
    });
    assert.equal(deltas.join('') + joiner.finish(), joinTexts(pieces));
    pieces.forEach((_, count) => {
      const soFar = deltas.slice(0, count).join('');
      assert.ok(joinTexts(pieces.slice(0, count)).startsWith(soFar));
    });
  };
  fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), check), { seed: 5, numRuns: 500 });
});

test('where no piece was cut through speech, every character but the spaces around pieces stays', () => {
  const check = (pieces: readonly PieceText[]): void => {
    const texts = pieces.map(({ text }) => text);
    assert.equal(withoutSpaces(joinTexts(inPauses(...texts))), withoutSpaces(texts.join('')));
  };
  fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), check), { seed: 6, numRuns: 300 });
});

test('at cuts only doubled words, punctuation and capitals go', () => {
  const check = (words: readonly string[], cuts: readonly number[]): void => {
    const borders = [0, ...cuts.map((at) => at % (words.length + 1)), words.length].toSorted(
      (one, other) => one - other,
    );
    const texts = borders.slice(1).map((end, index) => words.slice(borders[index], end).join(' '));
    const joined = joinTexts(cut(...texts.filter((text) => text !== '')));
    assert.equal(joined.toLowerCase(), words.join(' '));
  };
  // All words differ, so that none can be heard twice.
  const distinct = fc.uniqueArray(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 1, maxLength: 30 });
  fc.assert(fc.property(distinct, fc.array(fc.nat(), { maxLength: 5 }), check), { seed: 7, numRuns: 300 });
});

function withoutSpaces(text: string): string {
  return text.replaceAll(/\s/gu, '');
}
