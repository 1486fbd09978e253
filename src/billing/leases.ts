/**
 * Who answers for open holds. Each process that makes holds has a lease and renews it while it lives; the holds of one
 * whose lease has run out belong to nobody, and are voided.
 */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { repeat } from '../core/repeat.ts';
import type { Store } from '../store/store.ts';
import { releaseOfDeadOwner, type HoldRow } from './ledger-rows.ts';

export interface Leases {
  /**
   * Takes the lease, before the first hold is made. On a database that serves one server only, the others are known to be
   * dead, and their holds are voided at once.
   */
  take(): Promise<void>;
  renew(): Promise<void>;
  /** Voids the open holds of processes whose lease has run out; gives how many. */
  expireHolds(): Promise<number>;
  /** Renews the lease and expires holds every ten seconds, until it is disposed. */
  keep(): AsyncDisposable;
}

export interface LeasesOptions {
  readonly store: Pick<Store, 'db' | 'writeIf' | 'soleServer'>;
  readonly clock: Clock;
  readonly instanceId: string;
  readonly log: Logger;
}

export const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
const EXPIRE_AT_ONCE_MAX = 500;

export function createLeases(options: LeasesOptions): Leases {
  const { store, clock, instanceId, log } = options;

  const leases: Leases = {
    async take() {
      await leases.renew();
      if (store.soleServer) {
        await store.db.updateTable('instance').set({ lease_until: 0 }).where('instance_id', '<>', instanceId).execute();
      }
      await leases.expireHolds();
      await forgetDead(options);
    },
    async renew() {
      const leaseUntil = clock.now() + LEASE_MS;
      await store.db
        .insertInto('instance')
        .values({ instance_id: instanceId, lease_until: leaseUntil })
        .onConflict((conflict) => conflict.column('instance_id').doUpdateSet({ lease_until: leaseUntil }))
        .execute();
    },
    async expireHolds() {
      let expired = 0;
      for (;;) {
        const holds = await deadOwnersHolds(options);
        const ended = await Promise.all(holds.map((hold) => releaseOfDeadOwner(store, clock.now(), hold)));
        expired += ended.filter(Boolean).length;
        if (holds.length < EXPIRE_AT_ONCE_MAX) break;
      }
      if (expired > 0) log.warn({ holds: expired }, 'holds-expired');
      return expired;
    },
    keep() {
      const task = async (): Promise<void> => {
        await leases.renew();
        await leases.expireHolds();
      };
      return repeat(RENEW_MS, task, log, 'lease-renewal-failed');
    },
  };
  return leases;
}

function deadOwnersHolds({ store, clock }: LeasesOptions): Promise<HoldRow[]> {
  return store.db
    .selectFrom('open_hold')
    .innerJoin('instance', 'instance.instance_id', 'open_hold.instance_id')
    .innerJoin('hold', 'hold.hold_id', 'open_hold.hold_id')
    .selectAll('hold')
    .where('instance.lease_until', '<', clock.now())
    .limit(EXPIRE_AT_ONCE_MAX)
    .execute();
}

/** A process leaves one row behind; it is kept only while a hold names it. */
async function forgetDead({ store, clock }: LeasesOptions): Promise<void> {
  await store.db
    .deleteFrom('instance')
    .where('lease_until', '<', clock.now())
    .where('instance_id', 'not in', store.db.selectFrom('open_hold').select('instance_id'))
    .execute();
}
