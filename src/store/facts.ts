/** What differs between databases, as facts in one place: the rest of the code is the same for all of them. */
import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

export interface DatabaseFacts {
  /** The column type of a signed 64-bit integer. */
  readonly int64: RawBuilder<unknown>;
  /** What stands behind a table's columns so that the database insists on their types. */
  readonly strictTable: RawBuilder<unknown>;
  /** Keeps other processes from migrating until the transaction ends. */
  lockMigrations(transaction: Transaction<Schema>): Promise<void>;
  /** Makes the database refuse UPDATE and DELETE on a table. */
  appendOnly(db: Kysely<Schema>, table: keyof Schema): Promise<void>;
}

export const sqliteFacts: DatabaseFacts = {
  int64: sql.raw('integer'),
  strictTable: sql.raw('strict'),
  // Each transaction begins with the database's one write lock, so a migration is alone already.
  lockMigrations: () => Promise.resolve(),
  async appendOnly(db, table) {
    for (const verb of ['update', 'delete'] as const) {
      const message = sql.lit(`Rows of ${table} are never changed or removed; write a new one.`);
      await sql`create trigger ${sql.id(`${table}_refuses_${verb}`)} before ${sql.raw(verb)} on ${sql.table(table)}
        begin select raise(abort, ${message}); end`.execute(db);
    }
  },
};
