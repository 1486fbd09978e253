/** What differs between databases, as facts in one place: the rest of the code is the same for all of them. */
import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

export type Constraint = 'unique' | 'foreign-key' | 'check';

export interface DatabaseFacts {
  /** The column type of a signed 64-bit integer. */
  readonly int64: RawBuilder<unknown>;
  /** What stands behind a table's columns so that the database insists on their types. */
  readonly strictTable: RawBuilder<unknown>;
  /** Stands behind a query for one row that is to be taken: what another transaction is taking already is passed over. */
  readonly skipLocked: RawBuilder<unknown>;
  /** Keeps other processes from migrating until the transaction ends. */
  lockMigrations(transaction: Transaction<Schema>): Promise<void>;
  /** Makes the database refuse UPDATE and DELETE on a table. */
  appendOnly(db: Kysely<Schema>, table: keyof Schema): Promise<void>;
  /** Makes the database tell who listens (`store.listen`) the cap group of each row that changes, once that is committed. */
  announceKeyChanges(db: Kysely<Schema>, table: 'api_key' | 'cap_group'): Promise<void>;
  /** Which kind of constraint an error says was broken; null for every other error. */
  brokenConstraint(error: unknown): Constraint | null;
}

export const sqliteFacts: DatabaseFacts = {
  int64: sql.raw('integer'),
  strictTable: sql.raw('strict'),
  // There is one writer, so nobody else is taking anything.
  skipLocked: sql.raw(''),
  // Each transaction begins with the database's one write lock, so a migration is alone already.
  lockMigrations: () => Promise.resolve(),
  async appendOnly(db, table) {
    for (const verb of ['update', 'delete'] as const) {
      await sql`create trigger ${sql.id(`${table}_refuses_${verb}`)} before ${sql.raw(verb)} on ${sql.table(table)}
        begin select raise(abort, ${sql.lit(refusalOfChange(table))}); end`.execute(db);
    }
  },
  // One server uses the file, and it reads keys anew: nobody would listen.
  announceKeyChanges: () => Promise.resolve(),
  brokenConstraint: (error) =>
    constraintByCode(error, {
      SQLITE_CONSTRAINT_UNIQUE: 'unique',
      SQLITE_CONSTRAINT_PRIMARYKEY: 'unique',
      SQLITE_CONSTRAINT_FOREIGNKEY: 'foreign-key',
      SQLITE_CONSTRAINT_CHECK: 'check',
    }),
};

/** The channel on which PostgreSQL tells which keys have changed. */
export const KEY_CHANGES = 'earshot_key_changes';

/** Any number will do, as long as every version of the program takes the same one. */
const MIGRATION_LOCK = 3_270_418;

export const postgresFacts: DatabaseFacts = {
  int64: sql.raw('bigint'),
  strictTable: sql.raw(''),
  skipLocked: sql.raw('for update skip locked'),
  async lockMigrations(transaction) {
    // A migration, one's own or the one that is waited for, may take longer than any call may.
    await sql`set local statement_timeout = 0`.execute(transaction);
    await sql`set local lock_timeout = 0`.execute(transaction);
    await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(transaction);
  },
  async appendOnly(db, table) {
    const name = sql.id(`${table}_refuses_change`);
    const refuse = sql`execute function ${name}()`;
    await sql`create function ${name}() returns trigger language plpgsql as ${sql.lit(
      `begin raise exception using message = '${refusalOfChange(table)}'; end`,
    )}`.execute(db);
    await sql`create trigger ${sql.id(`${table}_refuses_update_and_delete`)}
      before update or delete on ${sql.table(table)} for each row ${refuse}`.execute(db);
    await sql`create trigger ${sql.id(`${table}_refuses_truncate`)}
      before truncate on ${sql.table(table)} for each statement ${refuse}`.execute(db);
  },
  async announceKeyChanges(db, table) {
    const name = sql.id(`${table}_announces_change`);
    await sql`create function ${name}() returns trigger language plpgsql as ${sql.lit(
      `begin perform pg_notify('${KEY_CHANGES}', old.cap_group_id); return null; end`,
    )}`.execute(db);
    await sql`create trigger ${name} after update or delete on ${sql.table(table)}
      for each row execute function ${name}()`.execute(db);
  },
  brokenConstraint: (error) => constraintByCode(error, { '23505': 'unique', '23503': 'foreign-key', '23514': 'check' }),
};

function refusalOfChange(table: string): string {
  return `Rows of ${table} are never changed or removed; write a new one.`;
}

function constraintByCode(error: unknown, codes: Readonly<Record<string, Constraint>>): Constraint | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? (codes[code] ?? null) : null;
}
