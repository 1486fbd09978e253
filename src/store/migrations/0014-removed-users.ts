import { sql } from 'kysely';
import type { Migration } from '../migrate.ts';

/** Users stay for the sake of the audit log, which names them, after they have been removed. */
export const removedUsers: Migration = {
  name: 'removed-users',
  async up(db, { int64 }) {
    await sql`alter table dashboard_user add column removed_at ${int64}`.execute(db);
  },
};
