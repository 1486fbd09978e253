/** Contracts and tiers on the way from the versions that hold to the charge, and back from the charge to its arithmetic. */
import assert from 'node:assert/strict';
import { newId } from '../core/ids.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { explainCharge } from './explain.ts';
import { createPricing } from './terms.ts';
import { ACCOUNT_ID, callOf, insertKey, MODEL, openTemporaryLedger, type TemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

const ONE_SECOND = { durationMs: 1_000, inputTokens: 0, outputTokens: 0, estimated: false };

async function addContract({ db, clock }: TemporaryLedger, version: number, discountBps: number, tiers: string) {
  await db
    .insertInto('contract')
    .values({ account_id: ACCOUNT_ID, version, valid_from: clock.now(), discount_bps: discountBps, tiers })
    .execute();
}

async function addKeyTerms({ db, clock }: TemporaryLedger, capGroupId: string, version: number, tiers: string) {
  await db
    .insertInto('key_terms')
    .values({ cap_group_id: capGroupId, version, valid_from: clock.now(), tiers })
    .execute();
}

/** A price of 1,000 nano-USD a second. */
async function setPrice({ db, clock }: TemporaryLedger) {
  await db
    .insertInto('price')
    .values({ model: MODEL, version: 2, valid_from: clock.now(), per_second_nano_usd: 1_000n })
    .execute();
}

/** One second of audio, charged as the flow does it. */
async function callOnce({ store, clock, ledger }: TemporaryLedger, keyId: string) {
  const pricing = createPricing({ db: store.db });
  const call = callOf(keyId, newId('req'), clock.now());
  const terms = await pricing.termsOf(call);
  await using hold = await ledger.hold(call, await pricing.mostCost(call, terms, ONE_SECOND));
  const receipt = await ledger.settle(hold, {
    engine: 'embedded',
    engines: ['embedded'],
    warnings: [],
    usage: ONE_SECOND,
    terms,
  });
  return { requestId: call.requestId, heldNanoUsd: hold.amountNanoUsd, ...receipt };
}

testOnEach(
  'an account’s tiers count its whole spend; the charge that crosses one is split, and explained',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    await setPrice(money);
    await addContract(money, 1, 1_000, '0.0000025:5000');
    const [one, two] = [await money.newKey(null), await money.newKey(null)];
    const charges = [];
    for (const key of [one, two, one, two]) charges.push(await callOnce(money, key.keyId));
    // 90 % up to 2,500 nano-USD of list spend, half above it; the hold is at the rate of its position.
    assert.deepEqual(
      charges.map(({ costNanoUsd }) => costNanoUsd),
      [900n, 900n, 450n + 250n, 500n],
    );
    assert.deepEqual(
      charges.map(({ heldNanoUsd }) => heldNanoUsd),
      [900n, 900n, 900n, 500n],
    );
    const explained = await explainCharge(money.db, charges[2]?.requestId ?? '');
    assert.deepEqual(
      [explained.matches, explained.list_spend_before_usd, explained.price_version, explained.contract?.version],
      [true, '0.000002', 2, 1],
    );
    assert.deepEqual(explained.lines[0]?.parts, [
      { list_usd: '0.0000005', discount_bps: 1_000 },
      { list_usd: '0.0000005', discount_bps: 5_000 },
    ]);
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
  },
);

testOnEach(
  'a key’s own tiers count its spend with its predecessors’, in place of the account’s tiers',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    await setPrice(money);
    await addContract(money, 1, 0, '0:9000');
    const [own, other] = [await money.newKey(null), await money.newKey(null)];
    await addKeyTerms(money, own.capGroupId, 1, '0.000001:2500');
    const successor = await insertKey(money.store, 0, null, own.capGroupId);
    const costs = [];
    for (const key of [other, own, successor]) costs.push((await callOnce(money, key.keyId)).costNanoUsd);
    assert.deepEqual(costs, [100n, 1_000n, 750n]);
    await addKeyTerms(money, own.capGroupId, 2, '');
    assert.equal(
      (await callOnce(money, own.keyId)).costNanoUsd,
      100n,
      'without tiers of its own the account’s count again',
    );
  },
);

testOnEach(
  'of parallel calls across a threshold each has a place of its own: together they cost what they do in turn',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    await setPrice(money);
    await addContract(money, 1, 0, '0.0000075:1000,0.0000123:5000');
    const keys = await Promise.all(Array.from({ length: 4 }, () => money.newKey(null)));
    const charges = await Promise.all(
      Array.from({ length: 20 }, (_, index) => callOnce(money, keys[index % 4]?.keyId ?? '')),
    );
    const cost = charges.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
    assert.equal(cost, 7_500n + (4_800n * 9n) / 10n + 7_700n / 2n);
    const explained = await Promise.all(charges.map(({ requestId }) => explainCharge(money.db, requestId)));
    assert.ok(explained.every(({ matches }) => matches));
    const places = explained.map((one) => Number(one.list_spend_before_usd)).toSorted((one, two) => one - two);
    assert.deepEqual(
      places,
      Array.from({ length: 20 }, (_, index) => index / 1_000_000),
    );
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
  },
);

testOnEach('a charge names its versions and is explained by them after they have been replaced', async (database) => {
  await using money = await openTemporaryLedger(database);
  await setPrice(money);
  const key = await money.newKey(null);
  const before = await callOnce(money, key.keyId);
  money.pass(1);
  await addContract(money, 1, 2_500, '');
  const after = await callOnce(money, key.keyId);
  money.pass(1);
  await addContract(money, 2, 10_000, '');
  await money.db
    .insertInto('price')
    .values({ model: MODEL, version: 3, valid_from: money.clock.now(), per_second_nano_usd: 9n })
    .execute();
  const [one, two] = [await explainCharge(money.db, before.requestId), await explainCharge(money.db, after.requestId)];
  assert.deepEqual([one.matches, one.contract, one.charged_usd], [true, null, '0.000001']);
  assert.deepEqual([two.matches, two.contract?.version, two.charged_usd], [true, 1, '0.00000075']);
  assert.equal((await callOnce(money, key.keyId)).costNanoUsd, 0n);
});

testOnEach('what was not charged has no arithmetic', async (database) => {
  await using money = await openTemporaryLedger(database);
  await assert.rejects(explainCharge(money.db, 'req_none'), { code: 'not_found' });
});
