/**
 * Whoever guesses passwords waits longer after each failure: for the account, wherever the guesses come from, and for the
 * address, whatever accounts it tries. Kept in the database, so that neither a restart nor another server forgets it.
 */
import { isIP } from 'node:net';
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Db, Store } from '../store/store.ts';

export interface LoginDelays {
  /**
   * Counts a try as failed before it is decided, so that many at once are not all let through. Throws `rate_limited`,
   * with the seconds to wait, where it comes too soon.
   */
  begin(email: string, address: string): Promise<void>;
  /** The try was a good one: the account begins anew, and the address loses the failure that was counted. */
  succeeded(email: string, address: string): Promise<void>;
}

interface Rule {
  /** So many failures cost nothing. */
  readonly free: number;
  readonly delayMsMax: number;
}

/** Somebody else's guesses must not keep a user out for long; an address has itself to blame, but may be a whole office's. */
const ACCOUNT: Rule = { free: 4, delayMsMax: 60_000 };
const ADDRESS: Rule = { free: 19, delayMsMax: 900_000 };

const FIRST_DELAY_MS = 1_000;
const FORGET_MS = 24 * 3_600_000;
const FORGET_AT_ONCE_MAX = 100;

export function createLoginDelays({
  store,
  clock,
}: {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
}): LoginDelays {
  return {
    async begin(email, address) {
      const now = clock.now();
      await forget(store.db, now);
      const waitMs = await store.transaction(async (db) => {
        const account = await count(db, now, accountSubject(email), ACCOUNT);
        // The address is counted too where the account has to wait: it goes on guessing.
        const origin = await count(db, now, addressSubject(address), ADDRESS);
        return Math.max(account, origin);
      });
      if (waitMs === 0) return;
      const seconds = Math.ceil(waitMs / 1000);
      throw new AppError('rate_limited', {
        message: `There were too many failed tries to log in. Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
        retryAfterSeconds: seconds,
      });
    },
    succeeded: (email, address) =>
      store.transaction(async (db) => {
        await db.deleteFrom('login_delay').where('subject', '=', accountSubject(email)).execute();
        await db
          .updateTable('login_delay')
          .set({ failures: sql`failures - 1`, retry_at: 0 })
          .where('subject', '=', addressSubject(address))
          .where('failures', '>', 0)
          .execute();
      }),
  };
}

/** Milliseconds to wait where it is too soon; otherwise counts the try and gives 0. The row is locked until the end. */
async function count(db: Db, now: number, subject: string, rule: Rule): Promise<number> {
  const counted = await db
    .insertInto('login_delay')
    .values({ subject, failures: 1, retry_at: 0, forget_at: now + FORGET_MS })
    .onConflict((conflict) =>
      conflict
        .column('subject')
        .doUpdateSet({ failures: sql`login_delay.failures + 1`, forget_at: now + FORGET_MS })
        .where('login_delay.retry_at', '<=', now),
    )
    .returning('failures')
    .executeTakeFirst();
  if (counted === undefined) {
    const row = await db
      .selectFrom('login_delay')
      .select('retry_at')
      .where('subject', '=', subject)
      .executeTakeFirstOrThrow();
    return Math.max(1, row.retry_at - now);
  }
  const retryAt = now + delayMs(counted.failures, rule);
  await db.updateTable('login_delay').set({ retry_at: retryAt }).where('subject', '=', subject).execute();
  return 0;
}

/** How long the next try waits after so many failures. */
export function delayMs(failures: number, { free, delayMsMax }: Rule = ACCOUNT): number {
  if (failures <= free) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - free - 1, 30), delayMsMax);
}

/** A few at each try: as many rows go as can come. */
async function forget(db: Db, now: number): Promise<void> {
  const old = db.selectFrom('login_delay').select('subject').where('forget_at', '<=', now).limit(FORGET_AT_ONCE_MAX);
  await db.deleteFrom('login_delay').where('subject', 'in', old).execute();
}

function accountSubject(email: string): string {
  return `account ${email}`;
}

/** Whoever has one address of IPv6 has all of its network. */
function addressSubject(address: string): string {
  if (isIP(address) !== 6) return `address ${address}`;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const groups = head.split(':').filter((group) => group !== '');
  const rest = tail.split(':').filter((group) => group !== '');
  const all = address.includes('::')
    ? [...groups, ...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0'), ...rest]
    : groups;
  return `address ${all.slice(0, 4).join(':').toLowerCase()}::/64`;
}
