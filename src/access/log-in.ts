/** From a password, or from a one-time link, to a session. */
import type { Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { insertAudit } from './audit.ts';
import type { LoginDelays } from './login-delays.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions, Viewer } from './sessions.ts';
import { tokenDigest } from './tokens.ts';
import { addUser, endLinks, holdUser, noSuchLink, plainEmail, type Users } from './users.ts';

export interface LogIn {
  /** The id of a new session. Throws `login_failed`, whatever is wrong, or `rate_limited`. */
  withPassword(login: { readonly email: string; readonly password: string }, address: string): Promise<string>;
  /**
   * Gives the user of the link its password, and a session. The link of a first start makes the user, and needs an address.
   * Throws `not_found` for a link that is unknown, used or expired.
   */
  withLink(
    setup: { readonly token: string; readonly password: string; readonly email: string | null },
    address: string,
  ): Promise<string>;
  logOut(sessionId: string, viewer: Pick<Viewer, 'userId' | 'accountId'>, address: string): Promise<void>;
}

export interface LogInOptions {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly delays: LoginDelays;
  readonly users: Pick<Users, 'findLink'>;
}

export function createLogIn({ store, clock, passwords, sessions, delays, users }: LogInOptions): LogIn {
  return {
    async withPassword({ email: written, password }, address) {
      const email = plainEmail(written);
      await delays.begin(email, address);
      const user = await store.db
        .selectFrom('dashboard_user')
        .select(['user_id', 'password_hash', 'account_id'])
        .where('email', '=', email)
        .where('removed_at', 'is', null)
        .executeTakeFirst();
      const matches = await passwords.matches(password, user?.password_hash ?? null);
      const entry = { address, accountId: user?.account_id ?? null, target: user?.user_id ?? null, detail: {} };
      if (user === undefined || !matches) {
        // What was written in place of an address may be a password: only the user that it names is kept.
        const failed = { ...entry, userId: null, action: 'user.login_failed' };
        await store.db.executeQuery(insertAudit(store.db, clock.now(), failed));
        throw new AppError('login_failed');
      }
      await delays.succeeded(email, address);
      return store.transaction(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('dashboard_user')
          .set({ last_login_at: clock.now() })
          .where('user_id', '=', user.user_id)
          .where('password_hash', '=', user.password_hash)
          .executeTakeFirstOrThrow();
        // Meanwhile the user was removed, or has another password.
        if (numUpdatedRows === 0n) throw new AppError('login_failed');
        const session = sessions.create(user.user_id);
        await db.executeQuery(session.insert);
        const done = { ...entry, userId: user.user_id, action: 'user.login' };
        await db.executeQuery(insertAudit(db, clock.now(), done));
        return session.sessionId;
      });
    },

    async withLink({ token, password, email }, address) {
      const link = await users.findLink(token);
      if (link.email === null && email === null) {
        throw new AppError('invalid_parameter', {
          param: 'email',
          message: 'The parameter "email" is missing: the address that you will log in with.',
        });
      }
      const passwordHash = await passwords.hash(password);
      return store.transaction(async (db) => {
        const now = clock.now();
        const userId = await useLink(db, tokenDigest(token), now, email);
        // Whoever was logged in as this user has to know the new password.
        await db.deleteFrom('dashboard_session').where('user_id', '=', userId).execute();
        const user = await db
          .updateTable('dashboard_user')
          .set({ password_hash: passwordHash, last_login_at: now })
          .where('user_id', '=', userId)
          .returning('account_id')
          .executeTakeFirstOrThrow();
        const session = sessions.create(userId);
        await db.executeQuery(session.insert);
        const entry = { userId, address, accountId: user.account_id, target: userId, detail: {} };
        await db.executeQuery(insertAudit(db, now, { ...entry, action: 'user.setup' }));
        return session.sessionId;
      });
    },

    logOut: (sessionId, { userId, accountId }, address) =>
      store.transaction(async (db) => {
        await db.executeQuery(sessions.end(sessionId));
        const entry = { userId, address, accountId, target: userId, detail: {} };
        await db.executeQuery(insertAudit(db, clock.now(), { ...entry, action: 'user.logout' }));
      }),
  };
}

/** Whoever marks the link as used has it; nobody else does any more. Gives its user, who is made at a first start. */
async function useLink(db: Transaction<Schema>, digest: string, now: number, email: string | null): Promise<string> {
  const link = await db
    .selectFrom('one_time_link')
    .select('user_id')
    .where('token_digest', '=', digest)
    .executeTakeFirst();
  if (link === undefined) throw noSuchLink();
  const { user_id: userId } = link;
  if (userId !== null && (await holdUser(db, userId)) === undefined) throw noSuchLink();
  const { numUpdatedRows } = await db
    .updateTable('one_time_link')
    .set({ used_at: now })
    .where('token_digest', '=', digest)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw noSuchLink();
  if (userId !== null) {
    await endLinks(db, userId);
    return userId;
  }
  const anybody = await db.selectFrom('dashboard_user').select('user_id').limit(1).executeTakeFirst();
  if (anybody !== undefined) throw noSuchLink();
  return addUser(db, { email: email ?? '', role: 'operator', accountId: null }, now);
}
