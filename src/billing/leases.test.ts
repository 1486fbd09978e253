import assert from 'node:assert/strict';
import { silentLogger } from '../core/log.ts';
import { createLeases, LEASE_MS } from './leases.ts';
import { createLedger } from './ledger.ts';
import { callOf, INSTANCE_ID, meteredAt, openTemporaryLedger, type TemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';
import { testOnEach } from '../store/test-on-each.ts';

function leasesOf({ store, clock }: TemporaryLedger, instanceId: string, soleServer = false) {
  return createLeases({ store: { ...store, soleServer }, clock, instanceId, log: silentLogger });
}

testOnEach('the holds of an instance that renews its lease are left alone', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  await using hold = await money.ledger.hold(callOf(keyId), 10n);
  const [own, other] = [leasesOf(money, INSTANCE_ID), leasesOf(money, 'server_2')];
  for (let renewals = 0; renewals < 5; renewals += 1) {
    money.pass(LEASE_MS - 1);
    await own.renew();
    assert.equal(await other.expireHolds(), 0);
  }
  await money.ledger.settle(hold, meteredAt(1n));
});

testOnEach(
  'once a lease has run out, another instance voids the holds, and a late settlement fails',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const key = await money.newKey(10n);
    await using hold = await money.ledger.hold(callOf(key.keyId), 10n);
    const other = leasesOf(money, 'server_2');
    money.pass(LEASE_MS);
    assert.equal(await other.expireHolds(), 0);
    money.pass(1);
    assert.equal(await other.expireHolds(), 1);
    assert.equal(await other.expireHolds(), 0);
    await assert.rejects(money.ledger.settle(hold, meteredAt(1n)), { code: 'internal_error' });
    await using _fits = await money.ledger.hold(callOf(key.keyId), 10n);
    const reasons = await money.db.selectFrom('transfer').select('reason').execute();
    assert.deepEqual(reasons, [{ reason: 'lease_expired' }]);
    assert.equal((await verifyLedger(money.db)).balanced, true);
  },
);

testOnEach(
  'a server that is alone on its database voids what its predecessor left, without waiting',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const { keyId } = await money.newKey(null);
    const left = await Promise.all(Array.from({ length: 1_200 }, () => money.ledger.hold(callOf(keyId), 1n)));
    await leasesOf(money, 'server_2', true).take();
    assert.deepEqual(await verifyLedger(money.db), {
      balanced: true,
      transactions: 2 * left.length,
      open_holds: 0,
      differences: [],
    });
    const instances = await money.db.selectFrom('instance').select('instance_id').execute();
    assert.deepEqual(instances, [{ instance_id: 'server_2' }]);
  },
);

testOnEach('a server that may not be alone leaves the holds of a living one', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  await using hold = await money.ledger.hold(callOf(keyId), 1n);
  await leasesOf(money, 'server_2').take();
  await money.ledger.settle(hold, meteredAt(1n));
});

testOnEach('an instance without a lease makes no hold', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  const { store, clock } = money;
  const ledger = createLedger({ store, clock, instanceId: 'server_2', log: silentLogger });
  await assert.rejects(
    ledger.hold(callOf(keyId), 1n),
    (error) => store.facts.brokenConstraint(error) === 'foreign-key',
  );
  assert.deepEqual((await verifyLedger(money.db)).transactions, 0);
});

testOnEach('a lease is kept by a timer of its own, which stops when it is disposed', async (database, context) => {
  await using money = await openTemporaryLedger(database);
  context.mock.timers.enable({ apis: ['setInterval'] });
  const leaseUntil = async () =>
    (await money.db.selectFrom('instance').select('lease_until').executeTakeFirst())?.lease_until;
  const kept = leasesOf(money, INSTANCE_ID).keep();
  const before = await leaseUntil();
  money.pass(10_000);
  context.mock.timers.tick(10_000);
  await kept[Symbol.asyncDispose]();
  assert.equal(await leaseUntil(), (before ?? 0) + 10_000);
  money.pass(10_000);
  context.mock.timers.tick(10_000);
  assert.equal(await leaseUntil(), (before ?? 0) + 10_000);
});
