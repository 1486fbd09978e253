/** One SQLite connection inside a database thread: settings, waiting for other processes, prepared statements. */
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DatabaseError } from '../database-error.ts';
import type { Rows, Statement, ThreadSettings } from './protocol.ts';

/** The first version without the fault that could corrupt a WAL database which several connections use. */
const SQLITE_VERSION_MIN = [3, 51, 3] as const;

const PREPARED_STATEMENTS_MAX = 500;
/** Where the ends of all tables and indexes that grow stay in memory, a group reads nothing. */
const CACHE_KIB = 32_768;
const BUSY_POLL_MS = 1;

export interface Connection {
  readonly inTransaction: boolean;
  run(statement: Statement): Rows;
  /** Runs a statement that takes and gives nothing. */
  execute(sql: string): void;
  /** Like `execute`, but waits where another process holds the lock. */
  executeWhenFree(sql: string): void;
  close(): void;
}

export function openConnection(settings: ThreadSettings, mode: 'write' | 'read'): Connection {
  if (mode === 'write') createPrivateFile(settings.path);
  const database = new Database(settings.path, { readonly: mode === 'read', fileMustExist: true, timeout: 0 });
  const waiting = <T>(action: () => T): T => retryWhileBusy(settings.busyMsMax, action);
  // Even these wait: another process may be switching the file to WAL, or closing it as the last one.
  waiting(() => {
    assertVersion(database);
    if (mode === 'write') database.pragma('journal_mode = WAL');
    // In WAL mode FULL is what makes a commit survive a loss of power: the log is synchronised at each one.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // What a savepoint may have to undo is written down per page; in a file, which is the default, that cost half of all
    // the time of a group. It is needed only until the group ends.
    database.pragma('temp_store = MEMORY');
    database.pragma(`cache_size = -${CACHE_KIB}`);
  });
  const prepared = new Map<string, Database.Statement>();

  const prepare = (sql: string): Database.Statement => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= PREPARED_STATEMENTS_MAX) prepared.clear();
    const statement = database.prepare(sql).safeIntegers(true);
    prepared.set(sql, statement);
    return statement;
  };

  return {
    get inTransaction() {
      return database.inTransaction;
    },
    run: ({ sql, parameters }) =>
      // Inside a transaction the lock is ours already, and a wait here would hold up everyone else.
      database.inTransaction ? run(prepare(sql), parameters) : waiting(() => run(prepare(sql), parameters)),
    execute: (sql) => void prepare(sql).run(),
    executeWhenFree: (sql) => void waiting(() => prepare(sql).run()),
    close: () => void database.close(),
  };
}

/**
 * Takes the lock that a server holds for as long as it lives. The system gives it back when the process ends, however it
 * ends, so whoever gets it knows that no other server is alive on this database. Keep what it returns: the lock goes
 * with it.
 */
export function takeServerLock(path: string, busyMsMax: number): { release(): void } {
  createPrivateFile(path);
  const database = new Database(path, { timeout: 0 });
  try {
    retryWhileBusy(busyMsMax, () => database.exec('begin exclusive'));
    return { release: () => void database.close() };
  } catch (error) {
    if (!isBusy(error)) throw error;
    database.close();
    throw new DatabaseError(
      'Another earshot server is running on this database. Stop it first; one SQLite file serves one server.',
      'SERVER_RUNNING',
    );
  }
}

function run(statement: Database.Statement, parameters: readonly unknown[]): Rows {
  const bound = parameters.map(bindable);
  if (!statement.reader) return { rows: [], changes: Number(statement.run(bound).changes) };
  const rows = statement.all(bound) as Record<string, unknown>[];
  // A write with RETURNING gives one row for each that it changed.
  return { rows, changes: statement.readonly ? 0 : rows.length };
}

/** Whole numbers are bound as integers: as floating-point values, which is the default, a division would give fractions. */
function bindable(value: unknown): unknown {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** SQLite gives the files that it adds (`-wal`, `-shm`) the same rights. An existing file is left as it is. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * SQLite's own wait sleeps up to 100 ms between two looks and leaves out some statements; this one looks each
 * millisecond, so that a command gets its turn between two groups of a busy server.
 */
function retryWhileBusy<T>(msMax: number, action: () => T): T {
  const deadline = performance.now() + msMax;
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_POLL_MS);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

function assertVersion(database: Database.Database): void {
  const version = String(database.prepare('select sqlite_version()').pluck().get());
  const parts = version.split('.').map(Number);
  const difference =
    SQLITE_VERSION_MIN.map((least, index) => (parts[index] ?? 0) - least).find((one) => one !== 0) ?? 0;
  if (difference >= 0) return;
  throw new DatabaseError(
    `SQLite ${version} has a fault that can corrupt the database; version ${SQLITE_VERSION_MIN.join('.')} or later is needed.`,
    'SQLITE_TOO_OLD',
  );
}
