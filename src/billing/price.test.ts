import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatUsd } from '../core/money.ts';
import { meter, worstCase } from './meter.ts';
import { charge, type ListPrice } from './price.ts';

const THREE_CENTS: ListPrice = { per: 'tokens', inputPer1mNanoUsd: 30_000_000n, outputPer1mNanoUsd: 30_000_000n };

test('the documented example: 16,460 and 41 tokens at 0.03 with a fifth off cost 0.000396024', () => {
  const usage = meter(12_345, 80_000, { outputTokens: 41, estimated: true });
  const charged = charge(usage, THREE_CENTS, 2_000);
  assert.equal(formatUsd(charged.costNanoUsd), '0.000396024');
  assert.equal(formatUsd(charged.listNanoUsd), '0.00049503');
});

test('a minute of audio at the default rate and price costs 0.0024 before its text', () => {
  const minute = meter(60_000, 80_000, { outputTokens: 0, estimated: false });
  assert.equal(formatUsd(charge(minute, THREE_CENTS, 0).costNanoUsd), '0.0024');
});

test('a price by the second counts to the millisecond', () => {
  const usage = meter(1_234, 80_000, { outputTokens: 9, estimated: false });
  const charged = charge(usage, { per: 'second', perSecondNanoUsd: 1_000_001n }, 0);
  assert.equal(charged.costNanoUsd, 1_234_002n);
  assert.deepEqual(
    charged.lines.map((line) => [line.item, line.quantity]),
    [['audio_milliseconds', 1_234]],
  );
});

test('a price of nothing and a discount of everything cost nothing', () => {
  const usage = meter(12_345, 80_000, { outputTokens: 41, estimated: true });
  assert.equal(charge(usage, { per: 'second', perSecondNanoUsd: 0n }, 0).costNanoUsd, 0n);
  assert.equal(charge(usage, THREE_CENTS, 10_000).costNanoUsd, 0n);
});

const quantity = fc.oneof(fc.nat(100), fc.nat(2_000_000_000), fc.constant(Number.MAX_SAFE_INTEGER));
const nanoUsd = fc.oneof(fc.bigInt(0n, 100n), fc.bigInt(0n, 10n ** 12n), fc.constant(2n ** 53n + 1n));
const discount = fc.oneof(fc.constantFrom(0, 1, 9_999, 10_000), fc.nat(10_000));
const listPrice: fc.Arbitrary<ListPrice> = fc.oneof(
  fc.record({ per: fc.constant('tokens' as const), inputPer1mNanoUsd: nanoUsd, outputPer1mNanoUsd: nanoUsd }),
  fc.record({ per: fc.constant('second' as const), perSecondNanoUsd: nanoUsd }),
);

/** The smallest integer at or above a fraction, found by long division instead of the formula under test. */
function roundedUp(numerator: bigint, denominator: bigint): bigint {
  let whole = 0n;
  let rest = 0n;
  for (const digit of numerator.toString().split('')) {
    rest = rest * 10n + BigInt(digit);
    let times = 0n;
    while (rest >= denominator) {
      rest -= denominator;
      times += 1n;
    }
    whole = whole * 10n + times;
  }
  return rest > 0n ? whole + 1n : whole;
}

test('each line is its exact rational cost, rounded up once', () => {
  fc.assert(
    fc.property(
      quantity,
      quantity,
      quantity,
      listPrice,
      discount,
      (durationMs, inputTokens, outputTokens, price, bps) => {
        const charged = charge({ durationMs, inputTokens, outputTokens, estimated: false }, price, bps);
        const exact =
          price.per === 'second'
            ? [[BigInt(durationMs) * price.perSecondNanoUsd, 1_000n] as const]
            : [
                [BigInt(inputTokens) * price.inputPer1mNanoUsd, 1_000_000n] as const,
                [BigInt(outputTokens) * price.outputPer1mNanoUsd, 1_000_000n] as const,
              ];
        const cost = exact.map(([above, below]) => roundedUp(above * BigInt(10_000 - bps), below * 10_000n));
        assert.deepEqual(
          charged.lines.map((line) => line.costNanoUsd),
          cost,
        );
        assert.equal(
          charged.costNanoUsd,
          cost.reduce((sum, one) => sum + one, 0n),
        );
        assert.ok(charged.costNanoUsd <= charged.listNanoUsd);
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

test('what is charged never exceeds the worst case that was held', () => {
  fc.assert(
    fc.property(
      fc.nat(14_400_000),
      fc.integer({ min: 1, max: 1_000_000 }),
      listPrice,
      discount,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (ms, rate, price, bps, share) => {
        const most = worstCase(ms, rate);
        const usage = meter(ms, rate, { outputTokens: Math.floor(most.outputTokens * share), estimated: false });
        assert.ok(charge(usage, price, bps).costNanoUsd <= charge(most, price, bps).costNanoUsd);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});
