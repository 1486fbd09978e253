import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTiers, parseTiers } from './tiers.ts';

test('tiers are read and written in one form', () => {
  const tiers = [
    { aboveNanoUsd: 1_000_000_000_000n, discountBps: 500 },
    { aboveNanoUsd: 10_000_500_000_000n, discountBps: 1_200 },
  ];
  assert.deepEqual(parseTiers('1000:500, 10000.5:1200'), tiers);
  assert.equal(formatTiers(tiers), '1000:500,10000.5:1200');
  assert.deepEqual([parseTiers(''), formatTiers([])], [[], '']);
});

test('tiers that fall, that are out of order or that cannot be read are refused', () => {
  for (const text of [
    '1000:500,2000:400',
    '2000:500,1000:600',
    '1000:500,1000:600',
    '1000',
    '1000:10001',
    'x:1',
    '1:1,',
  ]) {
    assert.equal(parseTiers(text), null, text);
  }
});
