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
  /**
   * `not_found` for an unknown account, `conflict` where the address has a user, `invalid_parameter` for a role without its
   * account. An address whose user was removed gets the same user again, with the new role.
   */
  create(user: NewUser): Promise<CreatedUser>;
  /** The user with this address. `not_found`. */
  find(email: string): Promise<{ readonly userId: string }>;
  /**
   * Another link by which they choose a password, for one who has lost it; earlier links end, the password goes on working
   * until this one is used. `not_found`.
   */
  newLink(userId: string): Promise<OneTimeLink>;
  /**
   * Their sessions and links end at once. `not_found`.
   * @param by the operator who does it, and so is left: `conflict` for themselves, `session_required` where they are removed
   *   meanwhile. A command is nobody and may remove the last one.
   */
  remove(userId: string, by?: string): Promise<void>;
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
        const userId = await addUser(db, { email, role, accountId }, clock.now());
        return { userId, ...(await addLink(db, userId, clock.now(), LINK_MS)) };
      }),

    async find(email) {
      const row = await store.db
        .selectFrom('dashboard_user')
        .select('user_id')
        .where('email', '=', plainEmail(email))
        .where('removed_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) throw noSuchUser('e-mail address');
      return { userId: row.user_id };
    },

    newLink: (userId) =>
      store.transaction(async (db) => {
        if ((await holdUser(db, userId)) === undefined) throw noSuchUser('id');
        await endLinks(db, userId);
        return addLink(db, userId, clock.now(), LINK_MS);
      }),

    remove: (userId, by) =>
      store.transaction(async (db) => {
        if (by !== undefined) await holdOperator(db, by, userId);
        await removeUser(db, userId, clock.now());
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
        .where('person.removed_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) throw noSuchLink();
      return { email: row.email, role: row.role ?? 'operator', expiresAt: row.expires_at };
    },
  };
}

/** Gives the user's id; an address whose user was removed has it already. Throws `conflict`. */
export async function addUser(
  db: Transaction<Schema>,
  { email, role, accountId }: NewUser,
  now: number,
): Promise<string> {
  const anew = {
    role,
    account_id: accountId,
    password_hash: null,
    created_at: now,
    last_login_at: null,
    removed_at: null,
  };
  const added = await db
    .insertInto('dashboard_user')
    .values({ user_id: newId('usr'), email: plainEmail(email), ...anew })
    .onConflict((conflict) =>
      conflict.column('email').doUpdateSet(anew).where('dashboard_user.removed_at', 'is not', null),
    )
    .returning('user_id')
    .executeTakeFirst();
  if (added !== undefined) return added.user_id;
  throw new AppError('conflict', {
    message:
      'There is a user with this e-mail address already. "earshot user link", or the page of users, gives them another link.',
  });
}

/**
 * Holds the user's row until the transaction ends: of what changes one user at once, one thing comes after the other.
 * Undefined where they are unknown or were removed. Whoever needs the rows of their links too takes those later.
 */
export function holdUser(db: Transaction<Schema>, userId: string): Promise<{ readonly role: UserRole } | undefined> {
  return db
    .updateTable('dashboard_user')
    .set({ removed_at: null })
    .where('user_id', '=', userId)
    .where('removed_at', 'is', null)
    .returning('role')
    .executeTakeFirst();
}

/** Of two who remove each other one is left. Whoever holds two users takes their rows in this order, and so none waits in a ring. */
async function holdOperator(db: Transaction<Schema>, operatorId: string, userId: string): Promise<void> {
  if (operatorId === userId) {
    throw new AppError('conflict', { message: 'You cannot remove yourself. Let another operator do it.' });
  }
  for (const id of [operatorId, userId].toSorted()) {
    const user = await holdUser(db, id);
    if (id === operatorId && user?.role !== 'operator') throw new AppError('session_required');
  }
}

async function removeUser(db: Transaction<Schema>, userId: string, now: number): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('dashboard_user')
    .set({ password_hash: null, removed_at: now })
    .where('user_id', '=', userId)
    .where('removed_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw noSuchUser('id');
  await db.deleteFrom('dashboard_session').where('user_id', '=', userId).execute();
  await endLinks(db, userId);
}

export function noSuchLink(): AppError {
  return new AppError('not_found', {
    message:
      'This link is unknown, was used already, or has expired. Ask whoever gave it to you for a new one: "earshot user link" makes it.',
  });
}

function noSuchUser(by: 'id' | 'e-mail address'): AppError {
  return new AppError('not_found', { message: `There is no user with this ${by}.` });
}

/** Addresses that differ in their letters' case alone are one. */
export function plainEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

/** Those that nobody has used. */
export async function endLinks(db: Transaction<Schema>, userId: string): Promise<void> {
  await db.deleteFrom('one_time_link').where('user_id', '=', userId).where('used_at', 'is', null).execute();
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
