/** Sessions of the dashboard: made by a log-in, ended by a log-out, by a pause, and by age. */
import type { CompiledQuery } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { UserRole } from '../store/schema.ts';
import type { Db } from '../store/store.ts';
import { newToken, tokenDigest } from './tokens.ts';

/** Who looks at the dashboard. */
export interface Viewer {
  readonly userId: string;
  readonly email: string;
  readonly role: UserRole;
  /** Null for operators, and for nobody else. */
  readonly accountId: string | null;
  readonly accountName: string | null;
  /** When the session ends if nothing more is asked with it; milliseconds since 1970. */
  readonly sessionExpiresAt: number;
}

export interface Sessions {
  /** A new session's id, for the cookie, and the statement that makes it. */
  create(userId: string): { readonly sessionId: string; readonly insert: CompiledQuery };
  /** Null where there is none of this id, or where it has ended. */
  find(sessionId: string): Promise<Viewer | null>;
  /** The same without a use: the session ends as if nobody had asked. */
  look(sessionId: string): Promise<Viewer | null>;
  /** The statement that ends it. */
  end(sessionId: string): CompiledQuery;
  /** Removes what has ended; gives how many. */
  forgetEnded(): Promise<number>;
}

/** A session ends after a pause of half a day, and after a week in any case. */
const IDLE_MS_MAX = 12 * 3_600_000;
const AGE_MS_MAX = 7 * 24 * 3_600_000;

/** How exactly it is known when a session was last used: not every request writes. */
const SEEN_MS = 5 * 60_000;

export function createSessions({ db, clock }: { readonly db: Db; readonly clock: Clock }): Sessions {
  return {
    create(userId) {
      const sessionId = newToken();
      const now = clock.now();
      const insert = db
        .insertInto('dashboard_session')
        .values({
          session_digest: tokenDigest(sessionId),
          user_id: userId,
          created_at: now,
          seen_at: now,
          expires_at: now + AGE_MS_MAX,
        })
        .compile();
      return { sessionId, insert };
    },

    async find(sessionId) {
      const digest = tokenDigest(sessionId);
      const now = clock.now();
      const row = await findRow(db, digest, now);
      if (row === null) return null;
      if (row.seen_at > now - SEEN_MS) return toViewer(row);
      await db.updateTable('dashboard_session').set({ seen_at: now }).where('session_digest', '=', digest).execute();
      return toViewer({ ...row, seen_at: now });
    },

    async look(sessionId) {
      const row = await findRow(db, tokenDigest(sessionId), clock.now());
      return row === null ? null : toViewer(row);
    },

    end: (sessionId) =>
      db.deleteFrom('dashboard_session').where('session_digest', '=', tokenDigest(sessionId)).compile(),

    async forgetEnded() {
      const now = clock.now();
      const { numDeletedRows } = await db
        .deleteFrom('dashboard_session')
        .where((on) => on.or([on('expires_at', '<=', now), on('seen_at', '<=', now - IDLE_MS_MAX)]))
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

async function findRow(db: Db, digest: string, now: number) {
  const row = await db
    .selectFrom('dashboard_session as session')
    .innerJoin('dashboard_user as person', 'person.user_id', 'session.user_id')
    .leftJoin('account', 'account.account_id', 'person.account_id')
    .select(['session.seen_at', 'session.expires_at', 'person.user_id', 'person.email', 'person.role'])
    .select(['person.account_id', 'account.name as account_name'])
    .where('session_digest', '=', digest)
    .where('person.removed_at', 'is', null)
    .where('expires_at', '>', now)
    .where('seen_at', '>', now - IDLE_MS_MAX)
    .executeTakeFirst();
  return row ?? null;
}

type SessionRow = NonNullable<Awaited<ReturnType<typeof findRow>>>;

function toViewer(row: SessionRow): Viewer {
  return {
    userId: row.user_id,
    email: row.email,
    role: row.role,
    accountId: row.account_id,
    accountName: row.account_name,
    sessionExpiresAt: Math.min(row.expires_at, row.seen_at + IDLE_MS_MAX),
  };
}
