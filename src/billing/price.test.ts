import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatUsd } from '../core/money.ts';
import { meter, worstCase } from './meter.ts';
import { charge, discountAt, mostCost, type Discounts, type ListPrice } from './price.ts';

const flat = (discountBps: number): Discounts => ({ discountBps, tiers: [] });
const THREE_CENTS: ListPrice = { per: 'tokens', inputPer1mNanoUsd: 30_000_000n, outputPer1mNanoUsd: 30_000_000n };

test('the documented example: 16,460 and 41 tokens at 0.03 with a fifth off cost 0.000396024', () => {
  const usage = meter(12_345, 80_000, { outputTokens: 41, estimated: true });
  const charged = charge(usage, THREE_CENTS, flat(2_000), 0n);
  assert.equal(formatUsd(charged.costNanoUsd), '0.000396024');
  assert.equal(formatUsd(charged.listNanoUsd), '0.00049503');
});

test('a minute of audio at the default rate and price costs 0.0024 before its text', () => {
  const minute = meter(60_000, 80_000, { outputTokens: 0, estimated: false });
  assert.equal(formatUsd(charge(minute, THREE_CENTS, flat(0), 0n).costNanoUsd), '0.0024');
});

test('a price by the second counts to the millisecond', () => {
  const usage = meter(1_234, 80_000, { outputTokens: 9, estimated: false });
  const charged = charge(usage, { per: 'second', perSecondNanoUsd: 1_000_001n }, flat(0), 0n);
  assert.equal(charged.costNanoUsd, 1_234_002n);
  assert.deepEqual(
    charged.lines.map((line) => [line.item, line.quantity]),
    [['audio_milliseconds', 1_234]],
  );
});

test('a price of nothing and a discount of everything cost nothing', () => {
  const usage = meter(12_345, 80_000, { outputTokens: 41, estimated: true });
  assert.equal(charge(usage, { per: 'second', perSecondNanoUsd: 0n }, flat(0), 0n).costNanoUsd, 0n);
  assert.equal(charge(usage, THREE_CENTS, flat(10_000), 0n).costNanoUsd, 0n);
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
        const charged = charge({ durationMs, inputTokens, outputTokens, estimated: false }, price, flat(bps), 0n);
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
        assert.ok(charge(usage, price, flat(bps), 0n).costNanoUsd <= mostCost(most, price, flat(bps), 0n));
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});

interface Fraction {
  readonly above: bigint;
  readonly below: bigint;
}

const tierList = fc
  .array(fc.tuple(fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 10n ** 13n), fc.constant(2n ** 53n)), fc.nat(10_000)), {
    maxLength: 4,
  })
  .map((drawn) => {
    const amounts = [...new Set(drawn.map(([amount]) => amount))].toSorted((one, other) => (one < other ? -1 : 1));
    const bps = drawn.map(([, one]) => one).toSorted((one, other) => one - other);
    return amounts.map((aboveNanoUsd, index) => ({ aboveNanoUsd, discountBps: bps[index] ?? 10_000 }));
  });

/** The exact cost of a stretch of list spend: what of it lies in each tier, as fractions, with that tier's rate. */
function oracleCost(start: bigint, list: Fraction, { discountBps, tiers }: Discounts): Fraction {
  const bounds = [0n, ...tiers.map((tier) => tier.aboveNanoUsd)];
  const end = { above: start * list.below + list.above, below: list.below };
  let cost = 0n;
  bounds.forEach((low, index) => {
    const rate = Math.max(
      discountBps,
      ...tiers.filter((tier) => tier.aboveNanoUsd <= low).map((tier) => tier.discountBps),
    );
    const high = bounds[index + 1];
    const from = max(start, low) * list.below;
    const to = high === undefined ? end.above : min(end.above, high * list.below);
    if (to > from) cost += (to - from) * BigInt(10_000 - rate);
  });
  return { above: cost, below: list.below * 10_000n };
}

const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);
const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);

test('a charge that crosses tiers is split at each, its exact parts are added up, and each line is rounded once', () => {
  fc.assert(
    fc.property(
      fc.record({ durationMs: quantity, inputTokens: quantity, outputTokens: quantity }),
      listPrice,
      fc.record({ discountBps: fc.oneof(fc.constant(0), discount), tiers: tierList }),
      fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 10n ** 13n), fc.constant(2n ** 53n - 1n)),
      (amounts, price, discounts, spent) => {
        const charged = charge({ ...amounts, estimated: false }, price, discounts, spent);
        let position = spent;
        for (const line of charged.lines) {
          const list = { above: BigInt(line.quantity) * line.priceNanoUsd, below: BigInt(line.priceQuantity) };
          const exact = oracleCost(position, list, discounts);
          assert.equal(line.costNanoUsd, roundedUp(exact.above, exact.below));
          assert.equal(line.listNanoUsd, roundedUp(list.above, list.below));
          assert.equal(
            line.parts.reduce((sum, part) => sum + part.listNumerator, 0n),
            list.above,
          );
          position += line.listNanoUsd;
        }
      },
    ),
    { seed: 6, numRuns: 1_000 },
  );
});

test('the worst case bounds every charge at the same or a later position', () => {
  fc.assert(
    fc.property(
      fc.nat(14_400_000),
      listPrice,
      fc.record({ discountBps: discount, tiers: tierList }),
      fc.bigInt(0n, 10n ** 13n),
      fc.bigInt(0n, 10n ** 13n),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (ms, price, discounts, spent, later, share) => {
        const most = worstCase(ms, 80_000);
        const usage = meter(ms, 80_000, { outputTokens: Math.floor(most.outputTokens * share), estimated: false });
        assert.ok(
          charge(usage, price, discounts, spent + later).costNanoUsd <= mostCost(most, price, discounts, spent),
        );
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

test('a tier holds for what lies above its amount: the documented example', () => {
  const discounts = {
    discountBps: 0,
    tiers: [
      { aboveNanoUsd: 1_000n, discountBps: 500 },
      { aboveNanoUsd: 2_000n, discountBps: 5_000 },
    ],
  };
  assert.deepEqual(
    [999n, 1_000n, 1_999n, 2_000n].map((spent) => discountAt(discounts, spent)),
    [0, 500, 500, 5_000],
  );
  const usage = { durationMs: 1_500, inputTokens: 0, outputTokens: 0, estimated: false };
  // 1,500 nano-USD from 900 on: 100 at full price, 1,000 at 95 %, 400 at half.
  const charged = charge(usage, { per: 'second', perSecondNanoUsd: 1_000n }, discounts, 900n);
  assert.deepEqual([charged.listNanoUsd, charged.costNanoUsd], [1_500n, 100n + 950n + 200n]);
});
