import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../core/caller.ts';
import { createAdmission } from './admit.ts';

const caller = (limits: Partial<Caller> = {}): Caller => ({
  accountId: 'acc_1',
  keyId: 'key_1',
  kind: 'wholesale',
  name: '',
  capNanoUsd: null,
  requestsPerMinute: 600,
  concurrency: 32,
  expiresAt: null,
  ...limits,
});

function open() {
  let now = 1_000_000;
  return { ...createAdmission({ clock: { now: () => now } }), pass: (ms: number) => void (now += ms) };
}

test('a key makes exactly its requests in a minute, then waits for the rest of it', () => {
  const { admit, rateLimit, pass } = open();
  const one = caller({ requestsPerMinute: 3 });
  for (const remaining of [2, 1, 0]) {
    using permit = admit(one);
    assert.deepEqual([permit.limit, permit.remaining, permit.resetSeconds], [3, remaining, 60]);
  }
  pass(12_500);
  assert.throws(() => admit(one), { code: 'rate_limited', retryAfterSeconds: 48 });
  assert.deepEqual(rateLimit(one), { limit: 3, remaining: 0, resetSeconds: 48 });
  pass(47_499);
  assert.throws(() => admit(one), { code: 'rate_limited', retryAfterSeconds: 1 });
  pass(1);
  using permit = admit(one);
  assert.equal(permit.remaining, 2);
});

test('refused calls are not counted', () => {
  const { admit, rateLimit } = open();
  const one = caller({ concurrency: 1 });
  using permit = admit(one);
  assert.throws(() => admit(one), { code: 'concurrency_limited', retryAfterSeconds: 1 });
  assert.equal(rateLimit(one).remaining, permit.remaining);
});

test('a place among the calls in flight comes back once, however often it is given back', () => {
  const { admit } = open();
  const one = caller({ concurrency: 2 });
  const first = admit(one);
  using _second = admit(one);
  assert.throws(() => admit(one), { code: 'concurrency_limited' });
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using _third = admit(one);
  assert.throws(() => admit(one), { code: 'concurrency_limited' });
});

test('keys have their limits each for itself', () => {
  const { admit } = open();
  using _one = admit(caller({ requestsPerMinute: 1, keyId: 'key_1' }));
  using other = admit(caller({ requestsPerMinute: 1, keyId: 'key_2' }));
  assert.equal(other.remaining, 0);
});

test('a call in flight keeps its place over the end of a minute', () => {
  const { admit, pass } = open();
  const one = caller({ concurrency: 1 });
  using _long = admit(one);
  for (let minute = 0; minute < 5; minute += 1) {
    pass(60_000);
    assert.throws(() => admit(one), { code: 'concurrency_limited' });
    using _other = admit(caller({ keyId: `key_${minute + 2}` }));
  }
});

test('a limit that was changed counts from the next call on', () => {
  const { admit } = open();
  using _first = admit(caller({ requestsPerMinute: 1 }));
  assert.throws(() => admit(caller({ requestsPerMinute: 1 })), { code: 'rate_limited' });
  using raised = admit(caller({ requestsPerMinute: 5 }));
  assert.equal(raised.remaining, 3);
});
