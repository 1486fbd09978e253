/** Whether the database does its work: each throws where it doesn't, and none changes anything. */
import { sql } from 'kysely';
import type { Db } from './store.ts';

export async function readNothing(db: Db): Promise<void> {
  await db
    .selectFrom('instance')
    .select('instance_id')
    .where(sql<boolean>`1 = 0`)
    .execute();
}

/** It goes the way of every write: to SQLite's one writer, or to a PostgreSQL that is not a read-only copy. */
export async function writeNothing(db: Db): Promise<void> {
  await db
    .updateTable('instance')
    .set({ lease_until: 0 })
    .where(sql<boolean>`1 = 0`)
    .execute();
}
