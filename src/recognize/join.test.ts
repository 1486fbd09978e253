import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinTexts } from './join.ts';

const CASES: readonly [string, readonly string[], string][] = [
  ['words are one space apart', ['Go forward', 'ten meters.'], 'Go forward ten meters.'],
  ['sentences are one space apart', ['First.', 'Second?', 'Third!'], 'First. Second? Third!'],
  ['Chinese has no space', ['我还能', '再搞一个'], '我还能再搞一个'],
  ['Chinese punctuation has no space', ['你好。', '再见！', '（好）'], '你好。再见！（好）'],
  ['Japanese has no space', ['これは', 'テスト', 'です'], 'これはテストです'],
  ['Thai has no space', ['สวัสดี', 'ครับ'], 'สวัสดีครับ'],
  ['Korean has a space', ['안녕하세요', '여러분'], '안녕하세요 여러분'],
  ['Cyrillic has a space', ['Привет', 'мир'], 'Привет мир'],
  ['a space stands between scripts', ['我用', 'Linux', '系统'], '我用 Linux 系统'],
  ['characters beyond the basic plane count as Chinese', ['𠀀', '𠀁'], '𠀀𠀁'],
  ['empty texts leave no trace', ['', 'a', ' ', '', 'b', ''], 'a b'],
  ['pieces are trimmed', [' a ', '\nb\n'], 'a b'],
  ['silence is empty', ['', ''], ''],
  ['no pieces are empty', [], ''],
];

for (const [guarantee, texts, joined] of CASES) {
  test(guarantee, () => assert.equal(joinTexts(texts), joined));
}
