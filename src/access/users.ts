/** People who may log in to the dashboard: made by the operator, who hands on a link by which they choose a password. */
import type { Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Schema, UserRole } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { newToken, tokenDigest } from './tokens.ts';

export interface NewUser {
  readonly email: string;
  readonly role: UserRole;
  /** Needed for all but operators, who have none. */
  readonly accountId: string | null;
}

/** A link's secret part: the only time that it can be seen. */
export interface OneTimeLink {
  readonly token: string;
  readonly expiresAt: number;
}

export interface CreatedUser extends OneTimeLink {
  readonly userId: string;
}

/** What a link that still works is for. */
export interface LinkFacts {
  /** Null for the link of a first start, which makes the operator's user. */
  readonly email: string | null;
  readonly role: UserRole;
  readonly expiresAt: number;
}

export interface Users {
  /** `not_found` for an unknown account, `conflict` where the address has a user, `invalid_parameter` for a role without its account. */
  create(user: NewUser): Promise<CreatedUser>;
  /** A link that makes the operator's user; null where there is any user. Links of earlier starts end with it. */
  firstLink(): Promise<OneTimeLink | null>;
  /** `not_found` for a link that is unknown, used or expired. */
  findLink(token: string): Promise<LinkFacts>;
}

const LINK_MS = 7 * 24 * 3_600_000;
const FIRST_LINK_MS = 24 * 3_600_000;

export interface UsersOptions {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
}

export function createUsers({ store, clock }: UsersOptions): Users {
  return {
    create: ({ email, role, accountId }) =>
      store.transaction(async (db) => {
        await assertAccountFits(db, role, accountId);
        const userId = newId('usr');
        const added = await db
          .insertInto('dashboard_user')
          .values({
            user_id: userId,
            email: plainEmail(email),
            role,
            account_id: accountId,
            password_hash: null,
            created_at: clock.now(),
            last_login_at: null,
          })
          .onConflict((conflict) => conflict.column('email').doNothing())
          .returning('user_id')
          .executeTakeFirst();
        if (added === undefined) {
          throw new AppError('conflict', { message: 'There is a user with this e-mail address already.' });
        }
        return { userId, ...(await addLink(db, userId, clock.now(), LINK_MS)) };
      }),

    firstLink: () =>
      store.transaction(async (db) => {
        const anybody = await db.selectFrom('dashboard_user').select('user_id').limit(1).executeTakeFirst();
        if (anybody !== undefined) return null;
        await db.deleteFrom('one_time_link').where('user_id', 'is', null).execute();
        return addLink(db, null, clock.now(), FIRST_LINK_MS);
      }),

    async findLink(token) {
      const row = await store.db
        .selectFrom('one_time_link')
        .leftJoin('dashboard_user as person', 'person.user_id', 'one_time_link.user_id')
        .select(['person.email', 'person.role', 'one_time_link.expires_at'])
        .where('token_digest', '=', tokenDigest(token))
        .where('used_at', 'is', null)
        .where('expires_at', '>', clock.now())
        .executeTakeFirst();
      if (row === undefined) throw noSuchLink();
      return { email: row.email, role: row.role ?? 'operator', expiresAt: row.expires_at };
    },
  };
}

export function noSuchLink(): AppError {
  return new AppError('not_found', {
    message: 'This link is unknown, was used already, or has expired. Ask whoever gave it to you for a new one.',
  });
}

/** Addresses that differ in their letters' case alone are one. */
export function plainEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

async function addLink(
  db: Transaction<Schema>,
  userId: string | null,
  now: number,
  lifeMs: number,
): Promise<OneTimeLink> {
  const token = newToken();
  const expiresAt = now + lifeMs;
  await db
    .insertInto('one_time_link')
    .values({
      token_digest: tokenDigest(token),
      user_id: userId,
      created_at: now,
      expires_at: expiresAt,
      used_at: null,
    })
    .execute();
  return { token, expiresAt };
}

async function assertAccountFits(db: Transaction<Schema>, role: UserRole, accountId: string | null): Promise<void> {
  if (role === 'operator') {
    if (accountId === null) return;
    throw new AppError('invalid_parameter', {
      param: 'account_id',
      message: 'An operator sees every account and belongs to none. Leave the account out.',
    });
  }
  if (accountId === null) {
    throw new AppError('invalid_parameter', {
      param: 'account_id',
      message: 'An owner or a viewer belongs to an account. Name it.',
    });
  }
  const found = await db
    .selectFrom('account')
    .select('account_id')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (found === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
}
