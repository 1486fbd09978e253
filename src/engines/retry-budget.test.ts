import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

function setUp(): { budget: RetryBudget; pass: (ms: number) => void } {
  let now = 0;
  return { budget: createRetryBudget({ now: () => now }), pass: (ms) => (now += ms) };
}

/** How many second tries there are left. */
function drain(budget: RetryBudget): number {
  for (let taken = 0; ; taken += 1) if (!budget.take()) return taken;
}

test('there are ten second tries in a minute, however few first ones', () => {
  const { budget, pass } = setUp();
  assert.equal(drain(budget), 10);
  pass(60_000);
  assert.equal(drain(budget), 0);
  pass(1_000);
  assert.equal(drain(budget), 10);
});

test('where there are many first tries, a tenth of them may be repeated', () => {
  const { budget, pass } = setUp();
  for (let second = 0; second < 50; second += 1) {
    for (let count = 0; count < 10; count += 1) budget.first();
    pass(1_000);
  }
  assert.equal(drain(budget), 50);
  pass(30_000);
  // Twenty seconds of first tries still count, and all of the second ones.
  assert.equal(drain(budget), 0);
});
