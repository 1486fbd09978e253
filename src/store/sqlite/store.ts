/** The store on SQLite: one server, one file, one writer. */
import { Kysely, type CompiledQuery } from 'kysely';
import { sqliteFacts } from '../facts.ts';
import { integersPlugin } from '../integers.ts';
import type { Db, Store, StoreOptions } from '../store.ts';
import { createSqliteDialect, startSqliteThreads } from './dialect.ts';
import type { Statement } from './protocol.ts';

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
      const order = {
        type: 'write-if',
        conditions: [condition].flat().map(toStatement),
        rest: rest.map(toStatement),
      } as const;
      return (await threads.writer.ask(order)).changes > 0;
    },
    // A command in another process could end a key unheard.
    listen: null,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function toStatement({ sql, parameters }: CompiledQuery): Statement {
  return { sql, parameters };
}
