import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBreaker, type Breaker } from './breaker.ts';

function setUp(): { breaker: Breaker; pass: (ms: number) => void; fail: (times: number) => void } {
  let now = 0;
  const breaker = createBreaker({ now: () => now });
  return {
    breaker,
    pass: (ms) => (now += ms),
    fail: (times) => {
      for (let count = 0; count < times; count += 1) breaker.begin().failed(false);
    },
  };
}

test('five failures in a row open it, and a success in between starts the count anew', () => {
  const { breaker, fail } = setUp();
  fail(4);
  breaker.begin().succeeded();
  fail(4);
  assert.deepEqual([breaker.state(), breaker.openMs()], ['closed', 0]);
  fail(1);
  assert.deepEqual([breaker.state(), breaker.openMs()], ['open', 5_000]);
});

test('ten failures among the last twenty open it too', () => {
  const { breaker } = setUp();
  for (let pair = 0; pair < 10; pair += 1) {
    assert.equal(breaker.state(), 'closed');
    breaker.begin().succeeded();
    breaker.begin().failed(false);
  }
  assert.equal(breaker.state(), 'open');
});

test('what needs mending opens it at once', () => {
  const { breaker } = setUp();
  breaker.begin().failed(true);
  assert.equal(breaker.state(), 'open');
});

test('after its time one trial is let through, and only one at a time', () => {
  const { breaker, pass, fail } = setUp();
  fail(5);
  pass(4_999);
  assert.deepEqual([breaker.state(), breaker.openMs()], ['open', 1]);
  pass(1);
  assert.deepEqual([breaker.state(), breaker.openMs()], ['half_open', 0]);
  const trial = breaker.begin();
  assert.equal(breaker.state(), 'half_open');
  assert.ok(breaker.openMs() > 0);
  trial.undecided();
  assert.equal(breaker.openMs(), 0);
  breaker.begin().succeeded();
  assert.deepEqual([breaker.state(), breaker.openMs()], ['closed', 0]);
});

test('a failed trial opens it for twice as long, up to five minutes; a passed one forgets that', () => {
  const { breaker, pass, fail } = setUp();
  fail(5);
  for (const ms of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
    pass(breaker.openMs());
    breaker.begin().failed(false);
    assert.equal(breaker.openMs(), ms);
  }
  pass(breaker.openMs());
  breaker.begin().succeeded();
  fail(5);
  assert.equal(breaker.openMs(), 5_000);
});

test('attempts that began before it opened say nothing afterwards', () => {
  const { breaker, pass, fail } = setUp();
  const early = [breaker.begin(), breaker.begin()];
  fail(5);
  pass(5_000);
  early[0]?.failed(true);
  early[1]?.succeeded();
  assert.deepEqual([breaker.state(), breaker.openMs()], ['half_open', 0]);
});

test('an attempt ends once', () => {
  const { breaker } = setUp();
  const attempt = breaker.begin();
  attempt.undecided();
  attempt.failed(true);
  assert.equal(breaker.state(), 'closed');
});
