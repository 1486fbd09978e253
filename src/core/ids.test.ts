import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, toBase62 } from './ids.ts';

test('ids are the prefix and 22 characters, each different', () => {
  const ids = Array.from({ length: 10_000 }, () => newId('req'));
  for (const id of ids) assert.match(id, /^req_[0-9A-Za-z]{22}$/);
  assert.equal(new Set(ids).size, ids.length);
});

test('later times sort behind earlier ones as text, in the order of bytes', () => {
  const texts = [0, 61, 62, 1_800_000_000_000, 1_800_000_000_001, 62 ** 8 - 1].map((time) => toBase62(time, 8));
  assert.deepEqual(texts, texts.toSorted());
  assert.ok(texts.every((text) => text.length === 8));
});
