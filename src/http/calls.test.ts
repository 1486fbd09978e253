import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallerGone, type AppError } from '../core/errors.ts';
import { createCalls } from './calls.ts';

const HOUR_MS = 3_600_000;

test('a caller that leaves aborts its own call and no other', () => {
  const calls = createCalls();
  const connection = new AbortController();
  using left = calls.begin(connection.signal, HOUR_MS);
  using stays = calls.begin(new AbortController().signal, HOUR_MS);
  connection.abort();
  assert.ok(left.signal.reason instanceof CallerGone);
  assert.equal(stays.signal.aborted, false);
});

test('a call past its time limit is aborted as engine_timeout', async () => {
  using call = createCalls().begin(new AbortController().signal, 1);
  await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
  assert.equal((call.signal.reason as AppError).code, 'engine_timeout');
});

test('draining refuses new calls, waits for those in flight and then aborts them', async () => {
  const calls = createCalls();
  const call = calls.begin(new AbortController().signal, HOUR_MS);
  const drained = calls.drain(1);
  assert.throws(() => calls.begin(new AbortController().signal, HOUR_MS), { code: 'shutting_down' });
  await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
  assert.equal((call.signal.reason as AppError).code, 'shutting_down');
  call[Symbol.dispose]();
  await drained;
  assert.equal(calls.count, 0);
});

test('draining ends at once when nothing is in flight', async () => {
  await createCalls().drain(HOUR_MS);
});
