import assert from 'node:assert/strict';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { keyStatus } from './key-status.ts';
import { createLedger } from './ledger.ts';
import {
  callOf,
  insertKey,
  INSTANCE_ID,
  meteredAt,
  openTemporaryLedger,
  type TemporaryLedger,
} from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';
import { testOnEach } from '../store/test-on-each.ts';

const NEXT_MONTH = '2026-08-01T00:00:00.000Z';

async function balance({ db }: TemporaryLedger, capGroupId: string) {
  const rows = await db.selectFrom('cap_balance').selectAll().where('cap_group_id', '=', capGroupId).execute();
  return rows.map((row) => [row.month, row.settled_nano_usd, row.held_nano_usd]);
}

testOnEach('a call is held at its worst case, settled at its cost, and the rest is released', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(100n);
  const call = callOf(key.keyId);
  await using hold = await money.ledger.hold(call, 90n);
  assert.deepEqual(await balance(money, key.capGroupId), [['2026-07', 0n, 90n]]);
  assert.deepEqual(await money.ledger.settle(hold, meteredAt(40n)), { listNanoUsd: 40n, costNanoUsd: 40n });
  assert.deepEqual(await balance(money, key.capGroupId), [['2026-07', 40n, 0n]]);
  const row = await money.db.selectFrom('request').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual(
    [
      row.request_id,
      row.status,
      row.engine,
      row.engines,
      row.input_tokens,
      row.output_tokens,
      row.cost_nano_usd,
      row.price_version,
    ],
    [call.requestId, 200, 'embedded', '["embedded"]', 1334, 4, 40n, 1],
  );
});

testOnEach('a settlement moves its amount from the account to the revenue', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(null);
  await using hold = await money.ledger.hold(callOf(key.keyId), 90n);
  await money.ledger.settle(hold, meteredAt(40n));
  const row = await money.db.selectFrom('transfer').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual(
    [row.kind, row.hold_id, row.debit_account, row.credit_account, row.amount_nano_usd, row.held_nano_usd],
    ['settle', hold.holdId, 'account:acc_1', 'revenue', 40n, 90n],
  );
});

testOnEach('a hold beyond the cap is refused with the cap, what is spent, and when it resets', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(2_000_000_000n);
  await using spent = await money.ledger.hold(callOf(keyId), 500_000_000n);
  await money.ledger.settle(spent, meteredAt(500_000_000n));
  await assert.rejects(money.ledger.hold(callOf(keyId), 1_500_000_001n), {
    code: 'monthly_cap_reached',
    members: { cap_usd: '2', spent_usd: '0.5', resets_at: NEXT_MONTH },
  });
  await using _fits = await money.ledger.hold(callOf(keyId), 1_500_000_000n);
});

testOnEach('a first call that is larger than the cap is refused', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(10n);
  await assert.rejects(money.ledger.hold(callOf(keyId), 11n), {
    code: 'monthly_cap_reached',
    members: { cap_usd: '0.00000001', spent_usd: '0', resets_at: NEXT_MONTH },
  });
});

testOnEach(
  'of 200 parallel calls on a cap for exactly 37, exactly 37 are held, and once they have ended a call fits again',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const key = await money.newKey(37n * 11n);
    const tries = await Promise.allSettled(
      Array.from({ length: 200 }, () => money.ledger.hold(callOf(key.keyId), 11n)),
    );
    const holds = tries.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    assert.equal(holds.length, 37);
    for (const end of tries) {
      if (end.status === 'rejected') assert.equal((end.reason as { code: string }).code, 'monthly_cap_reached');
    }
    await Promise.all(
      holds.map((hold, index) =>
        index % 2 === 0 ? money.ledger.settle(hold, meteredAt(1n)) : money.ledger.void(hold, 'test'),
      ),
    );
    assert.deepEqual(await balance(money, key.capGroupId), [['2026-07', 19n, 0n]]);
    await using _fits = await money.ledger.hold(callOf(key.keyId), 37n * 11n - 19n);
    assert.equal((await verifyLedger(money.db)).balanced, true);
  },
);

testOnEach(
  'a hold that is disposed of without a settlement is voided, and leaves the cap as it was',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const key = await money.newKey(10n);
    const failure = new Error('the engine failed');
    const call = async (): Promise<void> => {
      await using _hold = await money.ledger.hold(callOf(key.keyId), 10n);
      throw failure;
    };
    await assert.rejects(call(), failure);
    assert.deepEqual(await balance(money, key.capGroupId), [['2026-07', 0n, 0n]]);
    const transfers = await money.db.selectFrom('transfer').select(['kind', 'reason', 'amount_nano_usd']).execute();
    assert.deepEqual(transfers, [{ kind: 'void', reason: 'not_settled', amount_nano_usd: 0n }]);
  },
);

testOnEach('a hold ends once: what comes second changes nothing', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(null);
  await using settled = await money.ledger.hold(callOf(key.keyId), 10n);
  await money.ledger.settle(settled, meteredAt(7n));
  await assert.rejects(money.ledger.settle(settled, meteredAt(7n)), { code: 'internal_error' });
  assert.equal(await money.ledger.void(settled, 'late'), false);
  await using voided = await money.ledger.hold(callOf(key.keyId), 10n);
  assert.equal(await money.ledger.void(voided, 'test'), true);
  assert.equal(await money.ledger.void(voided, 'again'), false);
  await assert.rejects(money.ledger.settle(voided, meteredAt(7n)), { code: 'internal_error' });
  assert.deepEqual(await balance(money, key.capGroupId), [['2026-07', 7n, 0n]]);
  assert.equal((await verifyLedger(money.db)).transactions, 4);
});

testOnEach('one request is charged once, even with two holds', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(null);
  const call = callOf(key.keyId);
  await using first = await money.ledger.hold(call, 10n);
  await using second = await money.ledger.hold(call, 10n);
  await money.ledger.settle(first, meteredAt(7n));
  await assert.rejects(
    money.ledger.settle(second, meteredAt(7n)),
    (error) => money.store.facts.brokenConstraint(error) === 'unique',
  );
  assert.deepEqual(await balance(money, key.capGroupId), [['2026-07', 7n, 10n]]);
});

testOnEach('where more was used than held, the hold is charged and an alarm is raised', async (database) => {
  const alarms: string[] = [];
  await using money = await openTemporaryLedger(database, { ...silentLogger, error: (_, event) => alarms.push(event) });
  const key = await money.newKey(null);
  await using hold = await money.ledger.hold(callOf(key.keyId), 10n);
  const receipt = await money.ledger.settle(hold, meteredAt(11n));
  assert.deepEqual([receipt.costNanoUsd, alarms], [10n, ['charge-above-hold']]);
  assert.equal((await verifyLedger(money.db)).balanced, true);
});

testOnEach('a call that costs nothing leaves its hold and its settlement all the same', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(0n);
  await using hold = await money.ledger.hold(callOf(key.keyId), 0n);
  await money.ledger.settle(hold, meteredAt(0n));
  assert.deepEqual(await verifyLedger(money.db), { balanced: true, transactions: 2, open_holds: 0, differences: [] });
});

testOnEach(
  'a call counts in the month in which it began, whenever it is held and settled, and a new month has the whole cap',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const key = await money.newKey(10n);
    await using july = await money.ledger.hold(callOf(key.keyId), 5n);
    money.pass(12 * 3_600_000);
    await using late = await money.ledger.hold(callOf(key.keyId), 5n);
    await using august = await money.ledger.hold(callOf(key.keyId, newId('req'), money.clock.now()), 10n);
    await money.ledger.settle(july, meteredAt(4n));
    await money.ledger.settle(late, meteredAt(2n));
    await money.ledger.settle(august, meteredAt(9n));
    assert.deepEqual(await balance(money, key.capGroupId), [
      ['2026-07', 6n, 0n],
      ['2026-08', 9n, 0n],
    ]);
  },
);

testOnEach('a revoked, retired or expired key starts no hold, but a call that runs is settled', async (database) => {
  await using money = await openTemporaryLedger(database);
  for (const column of ['revoked_at', 'retires_at', 'expires_at'] as const) {
    const { keyId } = await money.newKey(null);
    await using running = await money.ledger.hold(callOf(keyId), 5n);
    await money.db
      .updateTable('api_key')
      .set({ [column]: money.clock.now() })
      .where('key_id', '=', keyId)
      .execute();
    await assert.rejects(money.ledger.hold(callOf(keyId), 5n), { code: 'invalid_api_key' });
    await money.ledger.settle(running, meteredAt(5n));
  }
});

testOnEach(
  'no hold begins after a revocation has been acknowledged, however many calls are under way',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    const { keyId } = await money.newKey(null);
    let revoked = false;
    let lateHolds = 0;
    const caller = async (): Promise<void> => {
      for (;;) {
        const startedAfter = revoked;
        await using _hold = await money.ledger.hold(callOf(keyId), 1n);
        if (startedAfter) lateHolds += 1;
      }
    };
    const callers = Array.from({ length: 16 }, () => assert.rejects(caller(), { code: 'invalid_api_key' }));
    await money.db.updateTable('api_key').set({ revoked_at: 0 }).where('key_id', '=', keyId).execute();
    revoked = true;
    await Promise.all(callers);
    assert.equal(lateHolds, 0);
  },
);

testOnEach('a revocation by a process whose clock is ahead counts at once', async (database) => {
  await using money = await openTemporaryLedger(database);
  const { keyId } = await money.newKey(null);
  const ahead = money.clock.now() + 5_000;
  await money.db.updateTable('api_key').set({ revoked_at: ahead }).where('key_id', '=', keyId).execute();
  await assert.rejects(money.ledger.hold(callOf(keyId), 5n), { code: 'invalid_api_key' });
});

testOnEach('a successor shares the cap of its predecessor', async (database) => {
  await using money = await openTemporaryLedger(database);
  const old = await money.newKey(10n);
  const successor = await insertKey(money.store, 0, null, old.capGroupId);
  await using _first = await money.ledger.hold(callOf(old.keyId), 6n);
  await assert.rejects(money.ledger.hold(callOf(successor.keyId), 5n), { code: 'monthly_cap_reached' });
  await using _second = await money.ledger.hold(callOf(successor.keyId), 4n);
});

testOnEach('a cap that is raised or lowered counts from the next call on', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(10n);
  await using _first = await money.ledger.hold(callOf(key.keyId), 10n);
  const setCap = (cap: bigint) =>
    money.db.updateTable('cap_group').set({ cap_nano_usd: cap }).where('cap_group_id', '=', key.capGroupId).execute();
  await assert.rejects(money.ledger.hold(callOf(key.keyId), 1n), { code: 'monthly_cap_reached' });
  await setCap(11n);
  await using _second = await money.ledger.hold(callOf(key.keyId), 1n);
  await setCap(5n);
  await assert.rejects(money.ledger.hold(callOf(key.keyId), 0n), { code: 'monthly_cap_reached' });
});

testOnEach('the status of a key shows what is spent, held and left, of the cap that it shares', async (database) => {
  await using money = await openTemporaryLedger(database);
  const key = await money.newKey(2_000_000_000n);
  const caller = {
    accountId: 'acc_1',
    ...key,
    kind: 'wholesale',
    name: 'main',
    capNanoUsd: 2_000_000_000n,
    allowedModels: null,
    allowedAddresses: null,
    requestsPerMinute: 600,
    concurrency: 32,
    expiresAt: null,
  } as const;
  const fresh = {
    key_id: key.keyId,
    name: 'main',
    kind: 'wholesale',
    account_id: 'acc_1',
    cap_usd: '2',
    spent_usd: '0',
    held_usd: '0',
    remaining_usd: '2',
    resets_at: NEXT_MONTH,
    requests_per_minute: 600,
    concurrency: 32,
    expires_at: null,
  };
  assert.deepEqual(await keyStatus(money.db, money.clock, caller), fresh);
  await using spent = await money.ledger.hold(callOf(key.keyId), 700_000_000n);
  await money.ledger.settle(spent, meteredAt(500_000_000n));
  await using _held = await money.ledger.hold(callOf(key.keyId), 250_000_000n);
  const used = { ...fresh, spent_usd: '0.5', held_usd: '0.25', remaining_usd: '1.25' };
  assert.deepEqual(await keyStatus(money.db, money.clock, caller), used);
  assert.deepEqual(await keyStatus(money.db, money.clock, { ...caller, capNanoUsd: null, expiresAt: 0 }), {
    ...used,
    cap_usd: null,
    remaining_usd: null,
    expires_at: '1970-01-01T00:00:00.000Z',
  });
  const lowered = await keyStatus(money.db, money.clock, { ...caller, capNanoUsd: 100_000_000n });
  assert.equal(lowered.remaining_usd, '0');
});

testOnEach('a hold that cannot be voided now says so in the log and hides nothing', async (database) => {
  const errors: string[] = [];
  const log = { ...silentLogger, error: (_: unknown, event: string) => void errors.push(event) };
  await using money = await openTemporaryLedger(database);
  const ledger = createLedger({ store: money.store, clock: money.clock, instanceId: INSTANCE_ID, log });
  const { keyId } = await money.newKey(null);
  const failure = new Error('the server is closing');
  const call = async (): Promise<void> => {
    await using _hold = await ledger.hold(callOf(keyId), 10n);
    await money.store.close();
    throw failure;
  };
  await assert.rejects(call(), failure);
  assert.deepEqual(errors, ['hold-void-failed']);
});
