import assert from 'node:assert/strict';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createIdempotency, type Claim } from './idempotency.ts';
import { createLeases } from './leases.ts';
import {
  callOf,
  insertKey,
  INSTANCE_ID,
  meteredAt,
  openTemporaryLedger,
  type TemporaryLedger,
} from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

const DAY_MS = 86_400_000;
const SENT = { key: 'order-7', fingerprint: 'a' };
const IN_PROGRESS = { code: 'idempotency_in_progress', status: 409, retryAfterSeconds: 1 };

function idempotencyOf({ store, clock }: TemporaryLedger, instanceId = INSTANCE_ID) {
  return createIdempotency({ store, clock, instanceId, log: silentLogger });
}

async function answer(money: TemporaryLedger, keyId: string, claim: Claim, reply: string): Promise<void> {
  await using hold = await money.ledger.hold(callOf(keyId, claim.requestId), 10n);
  await money.ledger.settle(hold, meteredAt(7n), {
    keeper: claim,
    render: ({ costNanoUsd }) => `${reply} ${costNanoUsd}`,
  });
}

testOnEach(
  'of 50 simultaneous calls one runs; the others wait, and get its very reply afterwards, from any instance',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const { keyId } = await money.newKey(null);
    const instances = [idempotencyOf(money), idempotencyOf(money, 'server_2')];
    const tries = await Promise.allSettled(
      Array.from({ length: 25 }, () => instances.map((one) => one.claim(callOf(keyId), SENT))).flat(),
    );
    const claims = tries.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    for (const end of tries) if (end.status === 'rejected') assert.equal(end.reason.code, 'idempotency_in_progress');
    const [claim] = claims;
    assert.ok(claims.length === 1 && claim !== undefined && claim.earlier === null);
    await answer(money, keyId, claim, 'the reply');
    for (const instance of instances) {
      await using again = await instance.claim(callOf(keyId), SENT);
      assert.deepEqual(again.earlier, { reply: 'the reply 7', engine: 'embedded', warnings: [] });
    }
    await claim[Symbol.asyncDispose]();
    assert.notEqual((await idempotencyOf(money).claim(callOf(keyId), SENT)).earlier, null);
  },
);

testOnEach('another request with the key is refused, while the first runs and afterwards', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  const other = { ...SENT, fingerprint: 'b' };
  const claim = await idempotencyOf(money).claim(callOf(keyId), SENT);
  await assert.rejects(idempotencyOf(money).claim(callOf(keyId), other), {
    code: 'idempotency_key_reused',
    status: 422,
  });
  await answer(money, keyId, claim, '');
  await assert.rejects(idempotencyOf(money).claim(callOf(keyId), other), { code: 'idempotency_key_reused' });
});

testOnEach('a call that failed gives its key free', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  {
    await using _failed = await idempotencyOf(money).claim(callOf(keyId), SENT);
    await assert.rejects(idempotencyOf(money).claim(callOf(keyId), SENT), IN_PROGRESS);
  }
  assert.equal((await idempotencyOf(money).claim(callOf(keyId), { ...SENT, fingerprint: 'b' })).earlier, null);
});

testOnEach(
  'a dead instance’s claim ends with its lease, and what it wakes up to settle is not charged',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const { keyId } = await money.newKey(null);
    const lost = await idempotencyOf(money).claim(callOf(keyId), SENT);
    await using hold = await money.ledger.hold(callOf(keyId, lost.requestId), 10n);
    const { store, clock } = money;
    await createLeases({
      store: { ...store, soleServer: false },
      clock,
      instanceId: 'server_2',
      log: silentLogger,
    }).take();
    money.pass(25_000);
    await createLeases({
      store: { ...store, soleServer: false },
      clock,
      instanceId: 'server_2',
      log: silentLogger,
    }).renew();
    const second = idempotencyOf(money, 'server_2');
    await assert.rejects(second.claim(callOf(keyId), SENT), IN_PROGRESS);
    money.pass(5_001);
    const claim = await second.claim(callOf(keyId), SENT);
    assert.equal(claim.earlier, null);
    await assert.rejects(money.ledger.settle(hold, meteredAt(1n), { keeper: lost, render: () => '' }), {
      code: 'internal_error',
    });
    await answer(money, keyId, claim, 'second');
    const settled = await money.db
      .selectFrom('transfer')
      .select('amount_nano_usd')
      .where('kind', '=', 'settle')
      .execute();
    assert.deepEqual(settled, [{ amount_nano_usd: 7n }]);
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
  },
);

testOnEach('a key’s successor shares its idempotency keys, and another key has its own', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(null);
  const successor = await insertKey(money.store, 0, null, key.capGroupId);
  const stranger = await money.newKey(null);
  await answer(money, key.keyId, await idempotencyOf(money).claim(callOf(key.keyId), SENT), 'shared');
  assert.equal((await idempotencyOf(money).claim(callOf(successor.keyId), SENT)).earlier?.reply, 'shared 7');
  assert.equal((await idempotencyOf(money).claim(callOf(stranger.keyId), SENT)).earlier, null);
});

testOnEach('a reply is kept for a day and then forgotten, in steps', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  const idempotency = idempotencyOf(money);
  await answer(money, keyId, await idempotency.claim(callOf(keyId), SENT), 'first');
  await Promise.all(
    Array.from({ length: 1_100 }, () => idempotency.claim(callOf(keyId), { ...SENT, key: newId('key') })),
  );
  money.pass(DAY_MS - 1);
  assert.equal((await idempotency.claim(callOf(keyId), SENT)).earlier?.reply, 'first 7');
  assert.equal(await idempotency.forgetExpired(), 0);
  money.pass(1);
  assert.equal(await idempotency.forgetExpired(), 1_101);
  assert.equal((await idempotency.claim(callOf(keyId), SENT)).earlier, null);
});
