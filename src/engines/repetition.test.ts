import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLoop } from './repetition.ts';

const sentence = Array.from({ length: 20 }, (_, index) => 100 + index);

/** What is left of tokens that come one after another, as a decoder writes them. */
function writtenUntilLoop(tokens: readonly number[]): { kept: readonly number[]; written: number } {
  for (let written = 1; written <= tokens.length; written += 1) {
    const kept = findLoop(tokens.slice(0, written));
    if (kept !== null) return { kept: tokens.slice(0, kept), written };
  }
  return { kept: tokens, written: tokens.length };
}

test('a sentence that repeats to the end is kept once, and writing stops at its fourth time', () => {
  const before = [1, 2, 3];
  const tokens = [...before, ...Array.from({ length: 10 }, () => sentence).flat()];
  assert.deepEqual(writtenUntilLoop(tokens), { kept: [...before, ...sentence], written: 3 + 4 * 20 });
});

test('a single token that repeats is kept once', () => {
  assert.deepEqual(writtenUntilLoop([7, 8, ...Array.from({ length: 100 }, () => 9)]), { kept: [7, 8, 9], written: 18 });
});

test('a phrase of two or three tokens that repeats is kept once', () => {
  for (const phrase of [
    [5, 6],
    [5, 6, 7],
  ]) {
    const { kept } = writtenUntilLoop([1, ...Array.from({ length: 30 }, () => phrase).flat()]);
    assert.deepEqual(kept, [1, ...phrase]);
  }
});

test('speech that repeats itself a few times is left as it is', () => {
  const saidThreeTimes = [...sentence, ...sentence, ...sentence];
  assert.equal(findLoop(saidThreeTimes), null);
  assert.equal(findLoop([4, 4, 4, 4, 4, 4, 4, 4]), null);
  assert.equal(findLoop([...saidThreeTimes, 1]), null);
  assert.equal(findLoop([]), null);
});
