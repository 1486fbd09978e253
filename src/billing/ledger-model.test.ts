/**
 * Random histories of holds and their ends, told to the ledger and to a model of a few lines. After each step both must
 * give the same answer, and after each history the recount must find nothing.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { createBalances } from './balances.ts';
import { createIdempotency, type Claim, type Idempotency } from './idempotency.ts';
import { createLeases, LEASE_MS, type Leases } from './leases.ts';
import { createLedger, type Hold, type Ledger } from './ledger.ts';
import { monthOf } from './month.ts';
import {
  callOf,
  INSTANCE_ID,
  insertKey,
  meteredAt,
  openTemporaryLedger,
  type TemporaryLedger,
} from './temporary-ledger.ts';
import type { PricedCall } from './terms.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { verifyLedger } from './verify.ts';

const RUNS =
  process.env['EARSHOT_TEST_FULL'] === undefined ? { sqlite: 500, postgres: 50 } : { sqlite: 10_000, postgres: 1_000 };

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
  { weight: 2, arbitrary: fc.record({ do: fc.constant('credit' as const), amount: fc.bigInt(1n, 7n) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prepay' as const), balance: fc.option(cap) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('hold' as const), key: fc.nat(), amount, name: fc.constantFrom('a', 'b') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('next-month' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelHold {
  readonly hold: Hold;
  readonly month: string;
  /** Null for a call without an idempotency key. */
  readonly claim: Claim | null;
  ended: boolean;
}

/** What the model knows of an idempotency key: the claim that runs, or the reply that is kept. */
interface ModelName {
  readonly claim: Claim;
  reply: string | null;
  expiresAt: number;
}

const KEPT_MS = 86_400_000;
const SENT = { fingerprint: 'the same request' };

class History {
  readonly #money: TemporaryLedger;
  #ledger: Ledger;
  readonly #capGroupId: string;
  #cap: bigint | null;
  readonly #keys: { readonly keyId: string; live: boolean }[];
  readonly #holds: ModelHold[] = [];
  readonly #spent = new Map<string, bigint>();
  readonly #accountId: string;
  #idempotency: Idempotency;
  #leases: Leases | null = null;
  readonly #names = new Map<string, ModelName>();
  #prepaid = false;
  #balance = 0n;

  constructor(money: TemporaryLedger, key: { keyId: string; capGroupId: string }, accountId: string, cap: bigint) {
    this.#money = money;
    this.#accountId = accountId;
    this.#ledger = money.ledger;
    this.#idempotency = createIdempotency({ ...money, instanceId: INSTANCE_ID, log: silentLogger });
    this.#capGroupId = key.capGroupId;
    this.#keys = [{ keyId: key.keyId, live: true }];
    this.#cap = cap;
  }

  async take(next: Step): Promise<void> {
    switch (next.do) {
      case 'hold':
        return this.#call(pick(this.#keys, next.key), next.amount, 'name' in next ? next.name : null);
      case 'settle':
        return this.#settle(pick(this.#holds, next.hold), next.amount);
      case 'void':
        return this.#void(pick(this.#holds, next.hold));
      case 'revoke':
        return this.#revoke(pick(this.#keys, next.key));
      case 'rotate':
        this.#keys.push({
          keyId: (await insertKey(this.#money.store, 0, null, this.#capGroupId, this.#accountId)).keyId,
          live: true,
        });
        return this.#revoke(pick(this.#keys, next.key));
      case 'set-cap':
        this.#cap = next.cap;
        await this.#money.db
          .updateTable('cap_group')
          .set({ cap_nano_usd: next.cap })
          .where('cap_group_id', '=', this.#capGroupId)
          .execute();
        return;
      case 'credit':
        this.#balance += next.amount;
        await createBalances(this.#money).credit(this.#accountId, next.amount, 'test');
        return;
      case 'prepay':
        this.#prepaid = next.balance !== null;
        this.#balance = next.balance ?? this.#balance;
        await createBalances(this.#money).setPrepaid(this.#accountId, next.balance);
        return;
      case 'next-month':
        this.#money.pass(31 * 86_400_000);
        // The process has lived on, and has kept its lease.
        return this.#leases?.renew();
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
    const account = await this.#money.db
      .selectFrom('account_balance')
      .selectAll()
      .where('account_id', '=', this.#accountId)
      .executeTakeFirst();
    assert.equal(account?.balance_nano_usd ?? 0n, this.#balance);
    assert.equal(account?.held_nano_usd ?? 0n, this.#held(null));
  }

  /** A call that is left running: with an idempotency key it claims that first. */
  async #call(key: { keyId: string; live: boolean } | undefined, held: bigint, name: string | null): Promise<void> {
    if (key === undefined) return;
    const call = { ...callOf(key.keyId, newId('req'), this.#money.clock.now()), accountId: this.#accountId };
    if (name === null) return this.#hold(call, key.live, held, null);
    const claiming = this.#idempotency.claim(call, { ...SENT, key: name });
    const known = this.#names.get(name);
    if (known !== undefined && known.expiresAt > call.startedAt) {
      if (known.reply === null) return assert.rejects(claiming, { code: 'idempotency_in_progress' });
      assert.equal((await claiming).earlier?.reply, known.reply);
      return;
    }
    const claim = await claiming;
    assert.equal(claim.earlier, null);
    this.#names.set(name, { claim, reply: null, expiresAt: call.startedAt + KEPT_MS });
    await this.#hold(call, key.live, held, claim);
  }

  async #hold(call: PricedCall, live: boolean, held: bigint, claim: Claim | null): Promise<void> {
    const month = monthOf(this.#money.clock.now());
    const used = (this.#spent.get(month) ?? 0n) + this.#held(month);
    const fits = this.#cap === null || used + held <= this.#cap;
    const covered = !this.#prepaid || this.#held(null) + held <= this.#balance;
    const hold = this.#ledger.hold(call, held);
    if (live && fits && covered) {
      this.#holds.push({ hold: await hold, month, claim, ended: false });
      return;
    }
    const code = fits ? 'insufficient_balance' : 'monthly_cap_reached';
    await assert.rejects(hold, { code: live ? code : 'invalid_api_key' });
    await this.#free(claim);
  }

  async #settle(known: ModelHold | undefined, cost: bigint): Promise<void> {
    if (known === undefined) return;
    const { claim } = known;
    const reply = claim === null ? undefined : { keeper: claim, render: () => claim.requestId };
    const settled = this.#ledger.settle(known.hold, meteredAt(cost), reply);
    const name = this.#nameOf(claim);
    if (known.ended || (claim !== null && name === null)) return assert.rejects(settled);
    if (name !== null) Object.assign(name, { reply: claim?.requestId, expiresAt: this.#money.clock.now() + KEPT_MS });
    this.#balance -= cost < known.hold.amountNanoUsd ? cost : known.hold.amountNanoUsd;
    const charged = cost < known.hold.amountNanoUsd ? cost : known.hold.amountNanoUsd;
    assert.equal((await settled).costNanoUsd, charged);
    known.ended = true;
    this.#spent.set(known.month, (this.#spent.get(known.month) ?? 0n) + charged);
  }

  async #void(known: ModelHold | undefined): Promise<void> {
    if (known === undefined) return;
    assert.equal(await this.#ledger.void(known.hold, 'test'), !known.ended);
    if (!known.ended) await this.#free(known.claim);
    known.ended = true;
  }

  /** What became of a claim; null where it has been freed, or taken by another call. */
  #nameOf(claim: Claim | null): ModelName | null {
    return [...this.#names.values()].find((name) => name.claim === claim) ?? null;
  }

  async #free(claim: Claim | null): Promise<void> {
    if (claim === null) return;
    await claim[Symbol.asyncDispose]();
    for (const [name, known] of this.#names) if (known.claim === claim) this.#names.delete(name);
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
    // A server that may not be alone waits until the lease of the other has run out.
    if (!store.soleServer) this.#money.pass(LEASE_MS + 1);
    const instanceId = newId('ins');
    this.#leases = createLeases({ store, clock, instanceId, log: silentLogger });
    await this.#leases.take();
    this.#ledger = createLedger({ store, clock, instanceId, log: silentLogger });
    this.#idempotency = createIdempotency({ store, clock, instanceId, log: silentLogger });
    for (const [name, { reply }] of this.#names) if (reply === null) this.#names.delete(name);
    this.#holds.length = 0;
  }

  /** Of one month, or of all. */
  #held(month: string | null): bigint {
    const open = this.#holds.filter((known) => !known.ended && (month === null || known.month === month));
    return open.reduce((sum, known) => sum + known.hold.amountNanoUsd, 0n);
  }
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % list.length];
}

testOnEach(
  'in random histories the ledger answers as the model does, and the recount finds no difference',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    await fc.assert(
      fc.asyncProperty(cap, fc.array(step, { maxLength: 30, size: 'max' }), async (firstCap, steps) => {
        // Each history begins with a process of its own, so that the crash of one does not end the holds of the next.
        const accountId = newId('acc');
        await money.db.insertInto('account').values({ account_id: accountId, name: '', created_at: 0 }).execute();
        const key = await insertKey(money.store, 0, firstCap, null, accountId);
        const history = new History(money, key, accountId, firstCap);
        await history.take({ do: 'crash' });
        for (const next of steps) {
          await history.take(next);
          await history.check();
        }
      }),
      { seed: 5, numRuns: RUNS[database] },
    );
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
  },
);
