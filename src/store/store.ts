/** Opens the database: the only way to it for the rest of the code. */
import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { DatabaseFacts } from './facts.ts';
import { migrate, type Migration } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Schema } from './schema.ts';

export type Db = Kysely<Schema>;

export interface Store extends AsyncDisposable {
  /** Reads see committed rows only; a single statement that writes is a transaction of its own. */
  readonly db: Db;
  readonly facts: DatabaseFacts;
  /** Where the database is, for people and logs; it never holds a password. */
  readonly description: string;
  /**
   * Runs `work` in a transaction and resolves once it is durable. On SQLite other transactions wait meanwhile, so `work`
   * awaits nothing but the queries of its own `transaction`; a write through `db` inside it would wait for itself. On
   * PostgreSQL `work` may run again, where the database gave up the first try for the sake of others.
   */
  transaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * A transaction that needs no answers on its way, and so holds nobody up: runs `condition`, a statement that writes or
   * several, and where each changed a row, the rest too. Resolves, once it is durable, to whether they did; otherwise
   * nothing has changed.
   *
   * PostgreSQL locks the rows that `condition` changes, and looks at those anew after a wait, but not at others. A
   * condition that counts other rows is right only where all who change them name the same `alone`: writes of one name
   * run one after the other.
   */
  writeIf(
    condition: CompiledQuery | readonly CompiledQuery[],
    rest: readonly CompiledQuery[],
    alone?: string,
  ): Promise<boolean>;
  /** Whether opening it has shown that no other server is alive on this database. */
  readonly soleServer: boolean;
  /**
   * Calls `onChange` with the cap group of each key that any process has changed; null where the database cannot tell.
   * Dispose it before the store is closed.
   */
  readonly listen: ((onChange: (capGroupId: string) => void) => KeyChanges) | null;
  close(): Promise<void>;
}

export interface KeyChanges extends AsyncDisposable {
  /** The number of the connection on which changes are heard of; null while there is none. What happens between two is lost. */
  connection(): number | null;
}

export interface StoreOptions {
  /** `sqlite:PATH` or `postgres://…`. */
  readonly url: string;
  /** A `server` makes holds, and is alone on its SQLite file; a `command` works beside it. */
  readonly role: 'server' | 'command';
  readonly clock: Clock;
  readonly migrations?: readonly Migration[];
  /** How long to wait for another process, or another transaction, that is writing. */
  readonly busyMsMax?: number;
  /** How long a transaction may stay open between two of its statements. */
  readonly transactionIdleMsMax?: number;
}

const SQLITE_PREFIX = 'sqlite:';

/** Opens the database, creating it where it is a SQLite file that is missing, and brings its tables up to date. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const store = await connect(options);
  try {
    await migrate(store.db, store.facts, options.clock, options.migrations ?? MIGRATIONS);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

/** Loads one of the two drivers only: each takes a command's time. */
async function connect(options: StoreOptions): Promise<Store> {
  if (options.url.startsWith(SQLITE_PREFIX)) {
    const { openSqlite } = await import('./sqlite/store.ts');
    return await openSqlite(options.url.slice(SQLITE_PREFIX.length), options);
  }
  const { openPostgres } = await import('./postgres/store.ts');
  return openPostgres(options);
}
