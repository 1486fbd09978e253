import { sql } from 'kysely';
import type { Migration } from '../migrate.ts';

/** What calls were about, which is kept for none of them unless the operator turned that on. */
export const requestContent: Migration = {
  name: 'request-content',
  async up(db, { int64, strictTable }) {
    await sql`create table request_content (
      request_id text primary key,
      url text,
      transcript text,
      forget_at ${int64} not null
    ) ${strictTable}`.execute(db);
    await sql`create index request_content_by_end on request_content (forget_at)`.execute(db);
  },
};
