import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import { suspicionOf, type Suspicion } from './verify.ts';

function judge(text: string, speechSeconds: number, truncated = false): Suspicion | null {
  return suspicionOf({ text, truncated }, { speech: [{ start: 0, end: Math.round(speechSeconds * SAMPLE_RATE_HZ) }] });
}

const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join(' ');

const CASES: readonly [string, string, number, Suspicion | null][] = [
  ['seconds of speech without a text', '', 2.5, 'empty'],
  ['a cough without a text', '', 1, null],
  ['silence without a text', '', 0, null],
  ['a word or two for ten seconds of speech', 'Go on.', 10, 'too_little'],
  ['a Chinese word for ten seconds of speech', '好的', 10, 'too_little'],
  ['one word that is drawn out', 'Nooo.', 3, null],
  ['a slow speaker', 'We are here now', 5, null],
  ['slow Chinese', '我们现在开始', 5, null],
  ['far more words than fit', words(60), 6, 'too_much'],
  ['far more Chinese than fits', '天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳', 1, 'too_much'],
  ['fast speech', words(20), 6, null],
  ['fast Chinese', '天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往', 2, null],
  ['Thai at its usual rate', 'สวัสดีครับยินดีต้อนรับเข้าสู่รายการของเรา', 3, null],
  ['Korean at its usual rate', '안녕하세요 여러분 오늘은 날씨가 좋습니다', 3, null],
  ['a sentence in a blink', 'Thank you for watching this video.', 0.15, 'no_speech'],
  ['a word in a blink', 'Yes.', 0.15, null],
  ['"no no no"', 'No no no no no!', 3, null],
  ['a refrain', 'Row, row, row your boat, row, row, row your boat, row, row, row your boat.', 9, null],
  ['a sentence said three times', 'We want more bread. We want more bread. We want more bread.', 5, null],
  ['a word over and over', Array.from({ length: 12 }, () => 'the').join(' '), 10, 'repetition'],
  ['a sentence over and over', Array.from({ length: 5 }, () => 'Thank you very much.').join(' '), 10, 'repetition'],
  [
    'a loop in the middle',
    `And then ${Array.from({ length: 6 }, () => 'I went home').join(' ')} he said.`,
    12,
    'repetition',
  ],
  ['Chinese over and over', '谢谢观看'.repeat(8), 10, 'repetition'],
  ['laughter', '哈哈哈哈哈哈哈哈', 3, null],
  ['one letter over and over', `A${'a'.repeat(40)}`, 10, 'repetition'],
  ['digits that repeat', 'The number is 100000000.', 4, null],
];

for (const [what, text, speechSeconds, suspicion] of CASES) {
  test(`${what}: ${suspicion ?? 'believed'}`, () => assert.equal(judge(text, speechSeconds), suspicion));
}

test('a text that was broken off is not believed, an empty one only where there is much speech', () => {
  assert.equal(judge('And then', 2, true), 'truncated');
  assert.equal(judge('', 1, true), null);
});

test('real speech is believed at half and at twice its speed', () => {
  // The texts of four fixtures, and the seconds of speech in them.
  for (const [text, seconds] of [
    ['He might even have been made amiable himself.', 3],
    ['Seven of clubs.', 1.25],
    ['Go forward ten meters.', 1.75],
    ['Unless to be rather cold-hearted and rather selfish is to be ill-disposed.', 4.9],
  ] as const) {
    for (const speed of [0.5, 1, 2]) assert.equal(judge(text, seconds / speed), null, `${text} at ${speed}`);
  }
});
