/** The store on SQLite: one server, one file, one writer. */
import { Kysely } from 'kysely';
import { sqliteFacts } from '../facts.ts';
import { integersPlugin } from '../integers.ts';
import type { Db, Store, StoreOptions } from '../store.ts';
import { createSqliteDialect, startSqliteThreads } from './dialect.ts';

export async function openSqlite(path: string, options: StoreOptions): Promise<Store> {
  const threads = await startSqliteThreads({
    path,
    serverLockPath: options.role === 'server' ? `${path}-server` : null,
    busyMsMax: options.busyMsMax ?? 10_000,
    transactionIdleMsMax: options.transactionIdleMsMax ?? 10_000,
  });
  const db: Db = new Kysely({ dialect: createSqliteDialect(threads), plugins: [integersPlugin] });
  const close = async (): Promise<void> => {
    await db.destroy();
    await threads.reader.close();
    await threads.writer.close();
  };
  return {
    db,
    facts: sqliteFacts,
    description: path,
    soleServer: options.role === 'server',
    transaction: (work) => db.transaction().execute(work),
    // All writes here run one after the other, so none needs a name to be alone.
    async writeIf(condition, rest) {
      const { changes } = await threads.writer.ask({ type: 'write-if', conditions: [condition].flat(), rest });
      return changes > 0;
    },
    // A command in another process could end a key unheard.
    listen: null,
    close,
    [Symbol.asyncDispose]: close,
  };
}
