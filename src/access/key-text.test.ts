import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { newKeyText, parseKeyText } from './key-text.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

test('a key is its prefix, 12 characters of public id, 32 of secret and 6 of checksum', () => {
  assert.match(newKeyText('wholesale').text, /^esw_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
  assert.match(newKeyText('console').text, /^esc_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
});

test('a new key reads back as its own parts', () => {
  for (const kind of ['wholesale', 'console'] as const) {
    const { text, ...parts } = newKeyText(kind);
    assert.deepEqual(parseKeyText(text), parts);
  }
});

test('the checksum is the CRC32 of all that stands before it, in Base62', () => {
  const { text } = newKeyText('wholesale');
  const value = text
    .slice(-6)
    .split('')
    .reduce((sum, letter) => sum * 62 + BASE62.indexOf(letter), 0);
  assert.equal(value, crc32(text.slice(0, -6)));
});

test('a key with any one character changed, lost or added is no key', () => {
  const { text } = newKeyText('wholesale');
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(...BASE62.split('')), (place, letter) => {
      const [before, at, after] = [text.slice(0, place), text.charAt(place), text.slice(place + 1)];
      if (letter !== at) assert.equal(parseKeyText(before + letter + after), null);
      assert.equal(parseKeyText(before + after), null);
      assert.equal(parseKeyText(before + letter + at + after), null);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('texts that are nothing like a key are no key', () => {
  for (const text of ['', 'esw_', 'sk-123', `${newKeyText('console').text} `, ` ${newKeyText('console').text}`, '\0']) {
    assert.equal(parseKeyText(text), null);
  }
});
