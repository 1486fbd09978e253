/** The audit log: a row for every change and every log-in, written in the transaction that makes the change. */
import type { CompiledQuery, Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import type { Schema } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';

/** Who does something, as the log has it. */
export interface Actor {
  /** Null for a command on the server, and where nobody has logged in. */
  readonly userId: string | null;
  /** Null for a command on the server. */
  readonly address: string | null;
}

export interface AuditEntry extends Actor {
  /** Whose things are changed; null where they are nobody's in particular. */
  readonly accountId: string | null;
  /** Noun and verb, such as `key.create`. */
  readonly action: string;
  /** The id of what it is done to. */
  readonly target: string | null;
  /** What is changed; never a secret. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** For the transaction that makes the change. */
export function insertAudit(db: Db, now: number, entry: AuditEntry): CompiledQuery {
  return db
    .insertInto('audit')
    .values({
      audit_id: newId('aud'),
      at: now,
      user_id: entry.userId,
      account_id: entry.accountId,
      action: entry.action,
      target: entry.target,
      address: entry.address,
      detail: JSON.stringify(entry.detail),
    })
    .compile();
}

type ChangingStore = Pick<Store, 'db' | 'transaction'>;

/**
 * A store whose transactions write a row of the log too: either the change and its row are there, or neither is.
 * @param describe given what the transaction made, such as the id of a new key.
 */
export function audited<Made>(
  store: ChangingStore,
  clock: Clock,
  describe: (made: Made) => AuditEntry | Promise<AuditEntry>,
): ChangingStore {
  return {
    db: store.db,
    transaction: <T>(work: (transaction: Transaction<Schema>) => Promise<T>) =>
      store.transaction(async (transaction) => {
        const made = await work(transaction);
        // Whoever describes it knows what the one change gives.
        const entry = await describe(made as unknown as Made);
        await transaction.executeQuery(insertAudit(transaction, clock.now(), entry));
        return made;
      }),
  };
}
