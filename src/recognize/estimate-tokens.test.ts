import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateTokens } from './estimate-tokens.ts';

const CASES: readonly [string, number][] = [
  ['', 0],
  ['a', 1],
  ['four', 1],
  ['fours', 2],
  ['Go forward ten meters.', 6],
  ['我还能再搞一个', 7],
  ['你好，世界。', 6],
  ['これはテスト', 6],
  ['안녕', 2],
  ['我用 Linux', 4],
  ['😀😀😀😀', 1],
];

for (const [text, tokens] of CASES) {
  test(`"${text}" is counted as ${tokens} tokens`, () => assert.equal(estimateTokens(text), tokens));
}
