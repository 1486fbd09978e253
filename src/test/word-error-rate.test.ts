import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostLost, wordErrors, wordErrorRate } from './word-error-rate.ts';

test('case and punctuation are no errors', () => {
  assert.deepEqual(wordErrors('Go forward, ten meters.', 'go FORWARD ten meters!'), { errors: 0, words: 4 });
  assert.equal(wordErrors('cold-hearted', 'cold hearted').errors, 0);
});

test('a number in digits is the number in words', () => {
  assert.equal(wordErrors('seven of ten', '7 of 10').errors, 0);
  assert.equal(wordErrors('seven of ten', '8 of 10').errors, 1);
});

test('stretches that are missing or were added are found, and those heard wrongly are neither', () => {
  assert.deepEqual(mostLost('a b c d e f', 'a f'), { missing: 4, added: 0 });
  assert.deepEqual(mostLost('a b c', 'a b a b c'), { missing: 0, added: 2 });
  assert.deepEqual(mostLost('a b c', 'a x c'), { missing: 0, added: 0 });
  assert.deepEqual(mostLost('a b', ''), { missing: 2, added: 0 });
  assert.deepEqual(mostLost('', ''), { missing: 0, added: 0 });
  // Three words fewer, and still all that was said.
  const misheard = mostLost(
    'something had he married a more a amiable woman',
    'something hate merry demore amiable woman',
  );
  assert.deepEqual(misheard, { missing: 6 * (1 - 15 / 18), added: 0 });
  // A phrase that is lost beside one that was heard wrongly.
  assert.ok(mostLost('do something 7 of clubs had he married again', 'do something at merry again').missing >= 3);
});

test('each word replaced, left out or added is one error', () => {
  assert.deepEqual(wordErrors('red blue green black', 'red blew green black'), { errors: 1, words: 4 });
  assert.deepEqual(wordErrors('red blue green black', 'blue green black'), { errors: 1, words: 4 });
  assert.deepEqual(wordErrors('red blue green black', 'red blue and green black'), { errors: 1, words: 4 });
  assert.deepEqual(wordErrors('red blue green black', 'grey red blew black'), { errors: 3, words: 4 });
});

test('a missing text is wholly wrong, and a looping one is worse than that', () => {
  assert.equal(wordErrorRate('red blue', ''), 1);
  assert.equal(wordErrorRate('red blue', 'red blue red blue red blue'), 2);
});
