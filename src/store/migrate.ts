/** Forward-only migrations: all that are missing run in one transaction, so a start either ends up to date or changes nothing. */
import { sql, type Kysely } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { DatabaseFacts } from './facts.ts';
import type { Schema } from './schema.ts';

export interface Migration {
  readonly name: string;
  up(db: Kysely<Schema>, facts: DatabaseFacts): Promise<void>;
}

/** The database was written by a later version of the program. */
export class DatabaseTooNew extends Error {
  override readonly name = 'DatabaseTooNew';
  readonly code = 'DATABASE_TOO_NEW';
}

/** @param migrations in the order of their versions, the first being version 1; they are never changed once released. */
export async function migrate(
  db: Kysely<Schema>,
  facts: DatabaseFacts,
  clock: Clock,
  migrations: readonly Migration[],
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await facts.lockMigrations(transaction);
    await sql`create table if not exists schema_migration (
      version ${facts.int64} primary key, name text not null, applied_at ${facts.int64} not null
    ) ${facts.strictTable}`.execute(transaction);
    const found = await sql<{
      version: number;
    }>`select coalesce(max(version), 0) as version from schema_migration`.execute(transaction);
    const version = found.rows[0]?.version ?? 0;
    if (version > migrations.length) {
      throw new DatabaseTooNew(
        `The database has schema version ${version}, but this program knows versions up to ${migrations.length}. Start the newer program, or restore a backup from before it ran.`,
      );
    }
    for (const [index, migration] of migrations.entries()) {
      if (index < version) continue;
      await migration.up(transaction, facts);
      await sql`insert into schema_migration (version, name, applied_at)
        values (${index + 1}, ${migration.name}, ${clock.now()})`.execute(transaction);
    }
  });
}
