import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chineseNumbersToDigits } from './chinese-numbers.ts';
import { measureOf, unitsOf } from './units.ts';

const numbers: Readonly<Record<string, string>> = {
  二十三: '23',
  十二: '12',
  二零二六年: '2026年',
  两千零二十六: '2026',
  一百零五: '105',
  一百二: '120',
  三万五: '35000',
  三千万: '30000000',
  一亿两千万: '120000000',
  一万零三百: '10300',
  一千零五: '1005',
  三点五: '3.5',
  百分之五十: '50%',
  三分之二: '2/3',
  '3万': '30000',
  '3.5万': '35000',
  幺幺零: '110',
  一个: '1个',
  万一: '万1',
  千万别: '千万别',
  百货: '百货',
};

for (const [characters, digits] of Object.entries(numbers)) {
  test(`${characters} is ${digits}`, () => assert.equal(chineseNumbersToDigits(characters), digits));
}

const DIGITS = '零一二三四五六七八九';

/** A whole number below ten thousand as it is said. */
function said(number: number): string {
  let text = '';
  let gap = false;
  for (const [unit, name] of [
    [1000, '千'],
    [100, '百'],
    [10, '十'],
    [1, ''],
  ] as const) {
    const digit = Math.floor(number / unit) % 10;
    if (digit === 0) gap = text !== '';
    else {
      text += `${gap ? '零' : ''}${DIGITS[digit]}${name}`;
      gap = false;
    }
  }
  return text;
}

test('every number as it is said becomes its digits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 9_999 }), (many, few) => {
      assert.equal(chineseNumbersToDigits(said(many)), String(many));
      const gap = few < 1_000 ? '零' : '';
      assert.equal(chineseNumbersToDigits(`${said(many)}万${gap}${said(few)}`), String(many * 10_000 + few));
      assert.equal(chineseNumbersToDigits(String(many)), String(many));
    }),
  );
});

test('Chinese is counted in characters: width, punctuation, case and the way of writing numbers do not matter', () => {
  assert.equal(measureOf('zh-CN'), 'characters');
  assert.deepEqual(unitsOf('我还能再搞一个，就算是非常小的声音！', 'zh'), '我还能再搞1个就算是非常小的声音'.split(''));
  assert.deepEqual(unitsOf('二〇二六年１０月，ＡＢＣ', 'zh'), ['2', '0', '2', '6', '年', '1', '0', '月', 'abc']);
  assert.deepEqual(unitsOf('增长百分之三点五', 'zh'), unitsOf('增长3.5%。', 'zh'));
});

test('a Latin word among Chinese characters is one unit', () => {
  assert.deepEqual(unitsOf("打开 Visual Studio 的 GPT4, don't", 'zh'), [
    '打',
    '开',
    'visual',
    'studio',
    '的',
    'gpt',
    '4',
    "don't",
  ]);
});

test('Japanese and Korean are counted in characters, whatever the spaces and the width of kana', () => {
  assert.deepEqual(unitsOf('ｺｰﾋｰを 二杯 飲む。', 'ja'), 'コーヒーを2杯飲む'.split(''));
  assert.deepEqual(unitsOf('안녕 하세요!', 'ko'), unitsOf('안녕하세요', 'ko'));
});

test('other languages are counted in words, with their accents and vowel signs', () => {
  assert.equal(measureOf('fr'), 'words');
  assert.deepEqual(unitsOf("L'été, (rires) c’est là-bas!", 'fr'), ["l'été", "c'est", 'là', 'bas']);
  assert.deepEqual(unitsOf('नमस्ते दुनिया।', 'hi'), ['नमस्ते', 'दुनिया']);
});
