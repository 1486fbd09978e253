import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordErrors, wordErrorRate } from './word-error-rate.ts';

test('case and punctuation are no errors', () => {
  assert.deepEqual(wordErrors('Go forward, ten meters.', 'go FORWARD ten meters!'), { errors: 0, words: 4 });
  assert.equal(wordErrors('cold-hearted', 'cold hearted').errors, 0);
});

test('each word replaced, left out or added is one error', () => {
  assert.deepEqual(wordErrors('one two three four', 'one too three four'), { errors: 1, words: 4 });
  assert.deepEqual(wordErrors('one two three four', 'two three four'), { errors: 1, words: 4 });
  assert.deepEqual(wordErrors('one two three four', 'one two and three four'), { errors: 1, words: 4 });
  assert.deepEqual(wordErrors('one two three four', 'zero one too four'), { errors: 3, words: 4 });
});

test('a missing text is wholly wrong, and a looping one is worse than that', () => {
  assert.equal(wordErrorRate('one two', ''), 1);
  assert.equal(wordErrorRate('one two', 'one two one two one two'), 2);
});
