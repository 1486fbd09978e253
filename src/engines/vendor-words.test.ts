import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vendorWords } from './vendor-words.ts';

const SECRETS = ['Bearer 1234567890abcdef.ZYXWVUTSRQ', 'application-secret'];

test('the key that a vendor repeats is taken out, whole and in parts, and so are other keys', () => {
  for (const text of [
    'Bad key 1234567890abcdef.ZYXWVUTSRQ',
    'Bad id 1234567890abcdef',
    'Bad secret ZYXWVUTSRQ.',
    'Bad header Bearer 1234567890abcdef.ZYXWVUTSRQ!',
    'Incorrect API key provided: sk-proj-****abcd.',
    'Sent application-secret',
    'Sent Bearer somebody-elses-key',
  ]) {
    const words = vendorWords(text, SECRETS);
    assert.match(words, /\[key\]/);
    assert.doesNotMatch(words, /1234567890|ZYXWV|sk-proj|application-secret|somebody/);
  }
});

test('the words are one line of at most 300 characters', () => {
  assert.equal(vendorWords('  two\r\n\tlines\u0000 \u001b[31m', []), 'two lines [31m');
  assert.equal(vendorWords('a'.repeat(5_000), []).length, 300);
});

test('a short header value is no secret, so that words stay words', () => {
  assert.equal(vendorWords('the value is on', ['on', '']), 'the value is on');
});
