/** The store on PostgreSQL: several servers may live on one database. */
import { Kysely, PostgresDialect } from 'kysely';
import { postgresFacts } from '../facts.ts';
import { integersPlugin } from '../integers.ts';
import type { Db, Store, StoreOptions } from '../store.ts';
import { listenForKeyChanges } from './listener.ts';
import { connect, createPool, describeAddress } from './pool.ts';
import { PreparedNames, writeIf } from './write-if.ts';

/** A server's statements are short; those of a command, such as a recount of the whole ledger, may not be. */
const STATEMENT_MS_MAX = { server: 30_000, command: 3_600_000 };

const TRIES_MAX = 5;

/** What PostgreSQL gives up so that others can go on: a serialisation failure, a deadlock. */
const TRY_AGAIN = new Set(['40001', '40P01']);

export function openPostgres(options: StoreOptions): Store {
  const pool = createPool({
    url: options.url,
    lockMsMax: options.busyMsMax ?? 10_000,
    transactionIdleMsMax: options.transactionIdleMsMax ?? 10_000,
    statementMsMax: STATEMENT_MS_MAX[options.role],
  });
  const dialect = new PostgresDialect({ pool: { connect: () => connect(pool), end: () => pool.end() } });
  const db: Db = new Kysely({ dialect, plugins: [integersPlugin] });
  const prepared = new PreparedNames();
  const close = (): Promise<void> => db.destroy();
  return {
    db,
    facts: postgresFacts,
    description: describeAddress(options.url),
    soleServer: false,
    transaction: (work) => retried(() => db.transaction().execute(work)),
    writeIf: (condition, rest, alone) =>
      retried(() => writeIf(pool, { conditions: [condition].flat(), rest, alone }, prepared)),
    listen: (onChange) => listenForKeyChanges(options.url, onChange),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function retried<T>(action: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await action();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (tries === TRIES_MAX || typeof code !== 'string' || !TRY_AGAIN.has(code)) throw error;
    }
  }
}
