/** A kysely dialect whose connections are orders to the two database threads, the writer's and the reader's. */
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import type { Order, Rows, ThreadSettings } from './protocol.ts';
import { startThread, type DatabaseThread } from './thread.ts';

export interface SqliteThreads {
  readonly writer: DatabaseThread;
  readonly reader: DatabaseThread;
}

/** The writer starts first: it is the one that may create the file. */
export async function startSqliteThreads(settings: ThreadSettings): Promise<SqliteThreads> {
  const writer = await startThread(new URL('./writer-thread.js', import.meta.url), settings);
  try {
    return { writer, reader: await startThread(new URL('./reader-thread.js', import.meta.url), settings) };
  } catch (error) {
    await writer.close();
    throw error;
  }
}

export function createSqliteDialect(threads: SqliteThreads): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new SqliteDriver(threads),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Connections cost nothing here: the writer's queue is what orders transactions. The threads are closed by their owner. */
class SqliteDriver implements Driver {
  readonly #threads: SqliteThreads;
  #lastTransaction = 0;

  constructor(threads: SqliteThreads) {
    this.#threads = threads;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SqliteConnection> {
    return new SqliteConnection(this.#threads);
  }

  async beginTransaction(connection: SqliteConnection): Promise<void> {
    this.#lastTransaction += 1;
    connection.begin(this.#lastTransaction);
  }

  async commitTransaction(connection: SqliteConnection): Promise<void> {
    await connection.end('commit');
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    await connection.end('rollback');
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class SqliteConnection implements DatabaseConnection {
  readonly #threads: SqliteThreads;
  #transaction: { readonly number: number; open: boolean } | null = null;

  constructor(threads: SqliteThreads) {
    this.#threads = threads;
  }

  /** The transaction opens with its first statement. */
  begin(transaction: number): void {
    this.#transaction = { number: transaction, open: false };
  }

  async end(how: 'commit' | 'rollback'): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = null;
    if (transaction?.open !== true) return;
    const ended = this.#threads.writer.ask({ type: how, transaction: transaction.number });
    // A transaction that is gone has been rolled back already, and its query has said why.
    await (how === 'commit' ? ended : ended.catch(() => {}));
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#ask(query);
    // The table types say what the rows are; kysely's own drivers trust them in the same way.
    return { rows: rows as R[], numAffectedRows: BigInt(changes) };
  }

  // oxlint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('This driver does not stream: read large tables page by page.');
  }

  #ask(query: CompiledQuery): Promise<Rows> {
    if (this.#transaction !== null) {
      const type = this.#transaction.open ? 'query' : 'begin';
      this.#transaction.open = true;
      return this.#threads.writer.ask({ type, transaction: this.#transaction.number, statement: query });
    }
    const order: Order = { type: 'statement', statement: query };
    return onlyReads(query) ? this.#threads.reader.ask(order) : this.#threads.writer.ask(order);
  }
}

/** Templates count by their first word; one that begins with `with` must read, or the reader refuses it. */
function onlyReads({ query, sql }: CompiledQuery): boolean {
  return query.kind === 'SelectQueryNode' || (query.kind === 'RawNode' && /^\s*(select|with|explain)\b/i.test(sql));
}
