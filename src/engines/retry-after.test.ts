import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRetryAfter } from './retry-after.ts';

const NOW_MS = Date.UTC(2026, 6, 24, 10, 0, 0);

for (const [value, expected] of [
  ['0', 0],
  ['7', 7_000],
  [' 120 ', 120_000],
  ['0.5', 500],
  ['Fri, 24 Jul 2026 10:00:30 GMT', 30_000],
  ['Friday, 24-Jul-26 10:00:30 GMT', 30_000],
  ['Fri Jul 24 10:00:30 2026 GMT', 30_000],
  ['Fri, 24 Jul 2026 09:00:00 GMT', 0],
  [null, undefined],
  ['', undefined],
  ['-5', undefined],
  ['soon', undefined],
  ['1e9', undefined],
  ['2030', 2_030_000],
  ['99999999999', undefined],
] as const) {
  test(`Retry-After ${JSON.stringify(value)} is ${expected} ms`, () => {
    assert.equal(readRetryAfter(value, NOW_MS), expected);
  });
}
