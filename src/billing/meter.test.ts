import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { meter, worstCase } from './meter.ts';

const transcript = { outputTokens: 41, estimated: true };

test('audio tokens are the decoded milliseconds at the model’s rate, rounded up', () => {
  const tokens = (ms: number, rate: number) => meter(ms, rate, transcript).inputTokens;
  assert.deepEqual(
    [tokens(12_345, 80_000), tokens(60_000, 80_000), tokens(1, 80_000), tokens(0, 80_000), tokens(1, 1)],
    [16_460, 80_000, 2, 0, 1],
  );
});

test('a call is metered by its audio and its delivered text', () => {
  assert.deepEqual(meter(12_345, 80_000, transcript), {
    durationMs: 12_345,
    inputTokens: 16_460,
    outputTokens: 41,
    estimated: true,
  });
});

test('audio tokens are exact for any length and rate', () => {
  fc.assert(
    fc.property(fc.nat(86_400_000), fc.integer({ min: 1, max: 10_000_000 }), (ms, rate) => {
      const tokens = BigInt(meter(ms, rate, transcript).inputTokens);
      const exact = BigInt(ms) * BigInt(rate);
      assert.ok(tokens * 60_000n >= exact && (tokens - 1n) * 60_000n < exact);
    }),
    { seed: 2, numRuns: 300 },
  );
});

test('the worst case is the exact audio, 12 output tokens for each second begun, and 64 more', () => {
  const most = (ms: number) => worstCase(ms, 80_000).outputTokens;
  assert.deepEqual([most(0), most(1), most(1000), most(1001), most(12_345)], [64, 76, 76, 88, 220]);
  assert.equal(worstCase(12_345, 80_000).inputTokens, 16_460);
});
