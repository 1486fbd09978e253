import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monthEnd, monthOf } from './month.ts';

test('a month ends at the first instant of the next one, in UTC, over the end of a year too', () => {
  for (const [start, end, name] of [
    [Date.UTC(2026, 6, 1), Date.UTC(2026, 7, 1), '2026-07'],
    [Date.UTC(2026, 11, 1), Date.UTC(2027, 0, 1), '2026-12'],
    [Date.UTC(2028, 1, 1), Date.UTC(2028, 2, 1), '2028-02'],
  ] as const) {
    for (const instant of [start, end - 1]) assert.deepEqual([monthOf(instant), monthEnd(instant)], [name, end]);
    assert.notEqual(monthOf(end), name);
  }
});
