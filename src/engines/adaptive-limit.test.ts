import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdaptiveLimit, type AdaptiveLimit } from './adaptive-limit.ts';
import { EngineError, type EngineFault } from './contract.ts';

interface OpenCall {
  succeed(): Promise<void>;
  fail(fault: EngineFault): Promise<void>;
}

/** Begins a call that ends when the test says so. */
function begin(limit: AdaptiveLimit): OpenCall {
  let resolve: () => void = () => {};
  let reject: (reason: Error) => void = () => {};
  const ended = limit.run(
    () =>
      new Promise<void>((resolveCall, rejectCall) => {
        [resolve, reject] = [resolveCall, rejectCall];
      }),
  );
  const settled = ended.catch(() => {});
  return {
    succeed() {
      resolve();
      return settled;
    },
    fail(fault) {
      reject(new EngineError(fault));
      return settled;
    },
  };
}

async function succeed(limit: AdaptiveLimit, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await begin(limit).succeed();
}

test('a refusal for too much at once halves the limit, down to one, and each lowering is told', async () => {
  const told: number[] = [];
  const limit = createAdaptiveLimit(20, (now) => told.push(now));
  for (const expected of [10, 5, 2, 1, 1]) {
    await begin(limit).fail('busy');
    assert.equal(limit.current, expected);
  }
  assert.deepEqual(told, [10, 5, 2, 1]);
});

test('the refusals of one round of calls halve it once', async () => {
  const limit = createAdaptiveLimit(8, () => {});
  const round = Array.from({ length: 8 }, () => begin(limit));
  for (const call of round) await call.fail('busy');
  assert.equal(limit.current, 4);
  await begin(limit).fail('busy');
  assert.equal(limit.current, 2);
});

test('other failures leave it as it is', async () => {
  const limit = createAdaptiveLimit(8, () => {});
  for (const fault of ['failed', 'refused', 'unavailable'] as const) await begin(limit).fail(fault);
  assert.equal(limit.current, 8);
});

test('it grows by one after as many successes as it allows, up to the configured most', async () => {
  const limit = createAdaptiveLimit(4, () => {});
  await begin(limit).fail('busy');
  assert.equal(limit.current, 2);
  await succeed(limit, 1);
  assert.equal(limit.current, 2);
  await succeed(limit, 1);
  assert.equal(limit.current, 3);
  await succeed(limit, 3);
  assert.equal(limit.current, 4);
  await succeed(limit, 100);
  assert.equal(limit.current, 4);
});

test('a success that began before the last lowering says nothing for more', async () => {
  const limit = createAdaptiveLimit(2, () => {});
  const [early, refused] = [begin(limit), begin(limit)];
  await refused.fail('busy');
  await early.succeed();
  assert.equal(limit.current, 1);
  await succeed(limit, 1);
  assert.equal(limit.current, 2);
});

test('results and errors pass through', async () => {
  const limit = createAdaptiveLimit(2, () => {});
  assert.equal(await limit.run(async () => 'text'), 'text');
  const error = new EngineError('busy');
  await assert.rejects(
    limit.run(() => Promise.reject(error)),
    (reason) => reason === error,
  );
});
