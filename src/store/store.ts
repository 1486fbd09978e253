/** Opens the database: the only way to it for the rest of the code. */
import { Kysely, type CompiledQuery, type Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { sqliteFacts } from './facts.ts';
import { integersPlugin } from './integers.ts';
import { migrate, type Migration } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Schema } from './schema.ts';
import { createSqliteDialect, startSqliteThreads } from './sqlite/dialect.ts';
import type { Statement, ThreadSettings } from './sqlite/protocol.ts';

export type Db = Kysely<Schema>;

export interface Store extends AsyncDisposable {
  /** Reads see committed rows only; a single statement that writes is a transaction of its own. */
  readonly db: Db;
  /**
   * Runs `work` in a transaction and resolves once it is durable. Other transactions wait meanwhile, so `work` awaits
   * nothing but the queries of its own `transaction`; a write through `db` inside it would wait for itself.
   */
  transaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * A transaction that needs no answers on its way, and so holds nobody up: runs `condition`, a statement that writes, and
   * where that changed a row, the rest too. Resolves, once it is durable, to whether it did; otherwise nothing has changed.
   */
  writeIf(condition: CompiledQuery, rest: readonly CompiledQuery[]): Promise<boolean>;
  /** Whether opening it has shown that no other server is alive on this database. */
  readonly soleServer: boolean;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly path: string;
  /** A `server` makes holds, and is alone on its SQLite file; a `command` works beside it. */
  readonly role: 'server' | 'command';
  readonly clock: Clock;
  readonly migrations?: readonly Migration[];
  /** How long to wait for another process that is writing. */
  readonly busyMsMax?: number;
  /** How long a transaction may stay open between two of its statements. */
  readonly transactionIdleMsMax?: number;
}

/** Opens or creates the SQLite database at `path` and brings its tables up to date. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const settings: ThreadSettings = {
    path: options.path,
    serverLockPath: options.role === 'server' ? `${options.path}-server` : null,
    busyMsMax: options.busyMsMax ?? 10_000,
    transactionIdleMsMax: options.transactionIdleMsMax ?? 10_000,
  };
  const threads = await startSqliteThreads(settings);
  const db: Db = new Kysely({ dialect: createSqliteDialect(threads), plugins: [integersPlugin] });
  const close = async (): Promise<void> => {
    await db.destroy();
    await threads.reader.close();
    await threads.writer.close();
  };
  try {
    await migrate(db, sqliteFacts, options.clock, options.migrations ?? MIGRATIONS);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    db,
    transaction: (work) => db.transaction().execute(work),
    async writeIf(condition, rest) {
      const order = { type: 'write-if', condition: toStatement(condition), rest: rest.map(toStatement) } as const;
      return (await threads.writer.ask(order)).changes > 0;
    },
    soleServer: options.role === 'server',
    close,
    [Symbol.asyncDispose]: close,
  };
}

function toStatement({ sql, parameters }: CompiledQuery): Statement {
  return { sql, parameters };
}
