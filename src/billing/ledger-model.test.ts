/**
 * Random histories of holds and their ends, told to the ledger and to a model of a few lines. After each step both must
 * give the same answer, and after each history the recount must find nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { createLeases } from './leases.ts';
import { createLedger, type Hold, type Ledger } from './ledger.ts';
import { monthOf } from './month.ts';
import { callOf, insertKey, meteredAt, openTemporaryLedger, type TemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

const RUNS = process.env['EARSHOT_TEST_FULL'] === undefined ? 300 : 10_000;

// Small amounts and caps, and mostly holds, so that histories often end exactly at a cap.
const amount = fc.bigInt(0n, 7n);
const cap = fc.bigInt(0n, 20n);
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('hold' as const), key: fc.nat(), amount }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('settle' as const), hold: fc.nat(), amount }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('void' as const), hold: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), key: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const), key: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('set-cap' as const), cap: fc.option(cap) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('next-month' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelHold {
  readonly hold: Hold;
  readonly month: string;
  ended: boolean;
}

class History {
  readonly #money: TemporaryLedger;
  #ledger: Ledger;
  readonly #capGroupId: string;
  #cap: bigint | null;
  readonly #keys: { readonly keyId: string; live: boolean }[];
  readonly #holds: ModelHold[] = [];
  readonly #spent = new Map<string, bigint>();

  constructor(money: TemporaryLedger, key: { keyId: string; capGroupId: string }, cap: bigint) {
    this.#money = money;
    this.#ledger = money.ledger;
    this.#capGroupId = key.capGroupId;
    this.#keys = [{ keyId: key.keyId, live: true }];
    this.#cap = cap;
  }

  async take(next: Step): Promise<void> {
    switch (next.do) {
      case 'hold':
        return this.#hold(pick(this.#keys, next.key), next.amount);
      case 'settle':
        return this.#settle(pick(this.#holds, next.hold), next.amount);
      case 'void':
        return this.#void(pick(this.#holds, next.hold));
      case 'revoke':
        return this.#revoke(pick(this.#keys, next.key));
      case 'rotate':
        this.#keys.push({ keyId: (await insertKey(this.#money.store, 0, null, this.#capGroupId)).keyId, live: true });
        return this.#revoke(pick(this.#keys, next.key));
      case 'set-cap':
        this.#cap = next.cap;
        await this.#money.db
          .updateTable('cap_group')
          .set({ cap_nano_usd: next.cap })
          .where('cap_group_id', '=', this.#capGroupId)
          .execute();
        return;
      case 'next-month':
        return this.#money.pass(31 * 86_400_000);
      case 'crash':
        return this.#crash();
    }
  }

  /** Compares what the database says of each month with what the model says. */
  async check(): Promise<void> {
    const rows = await this.#money.db
      .selectFrom('cap_balance')
      .selectAll()
      .where('cap_group_id', '=', this.#capGroupId)
      .execute();
    for (const row of rows) {
      assert.equal(row.settled_nano_usd, this.#spent.get(row.month) ?? 0n);
      assert.equal(row.held_nano_usd, this.#held(row.month));
    }
  }

  async #hold(key: { keyId: string; live: boolean } | undefined, held: bigint): Promise<void> {
    if (key === undefined) return;
    const month = monthOf(this.#money.clock.now());
    const used = (this.#spent.get(month) ?? 0n) + this.#held(month);
    const fits = this.#cap === null || used + held <= this.#cap;
    const code = key.live ? 'monthly_cap_reached' : 'invalid_api_key';
    const hold = this.#ledger.hold(callOf(key.keyId), held);
    if (!key.live || !fits) return assert.rejects(hold, { code });
    this.#holds.push({ hold: await hold, month, ended: false });
  }

  async #settle(known: ModelHold | undefined, cost: bigint): Promise<void> {
    if (known === undefined) return;
    const settled = this.#ledger.settle(known.hold, meteredAt(cost));
    if (known.ended) return assert.rejects(settled);
    const charged = cost < known.hold.amountNanoUsd ? cost : known.hold.amountNanoUsd;
    assert.equal((await settled).costNanoUsd, charged);
    known.ended = true;
    this.#spent.set(known.month, (this.#spent.get(known.month) ?? 0n) + charged);
  }

  async #void(known: ModelHold | undefined): Promise<void> {
    if (known === undefined) return;
    assert.equal(await this.#ledger.void(known.hold, 'test'), !known.ended);
    known.ended = true;
  }

  async #revoke(key: { keyId: string; live: boolean } | undefined): Promise<void> {
    if (key === undefined) return;
    await this.#money.db
      .updateTable('api_key')
      .set({ revoked_at: this.#money.clock.now() })
      .where('key_id', '=', key.keyId)
      .execute();
    key.live = false;
  }

  /** The process is gone, and what it knew of its holds with it; the next one takes over. */
  async #crash(): Promise<void> {
    const { store, clock } = this.#money;
    const instanceId = newId('ins');
    await createLeases({ store, clock, instanceId, log: silentLogger }).take();
    this.#ledger = createLedger({ store, clock, instanceId, log: silentLogger });
    this.#holds.length = 0;
  }

  #held(month: string): bigint {
    const open = this.#holds.filter((known) => !known.ended && known.month === month);
    return open.reduce((sum, known) => sum + known.hold.amountNanoUsd, 0n);
  }
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % list.length];
}

test(`in ${RUNS} random histories the ledger answers as the model does, and the recount finds no difference`, async () => {
  await using money = await openTemporaryLedger();
  await fc.assert(
    fc.asyncProperty(cap, fc.array(step, { maxLength: 30, size: 'max' }), async (firstCap, steps) => {
      // Each history begins with a process of its own, so that the crash of one does not end the holds of the next.
      const history = new History(money, await money.newKey(firstCap), firstCap);
      await history.take({ do: 'crash' });
      for (const next of steps) {
        await history.take(next);
        await history.check();
      }
    }),
    { seed: 5, numRuns: RUNS },
  );
  assert.deepEqual((await verifyLedger(money.db)).differences, []);
});
