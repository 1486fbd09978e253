import { sql } from 'kysely';
import type { Migration } from '../migrate.ts';

/** What several servers count together: each key's requests of the last minute, and its calls in flight. */
export const sharedAdmission: Migration = {
  name: 'shared-admission',
  async up(db, { int64, strictTable }) {
    await sql`create table request_second (
      key_id text not null references api_key,
      second ${int64} not null,
      requests ${int64} not null check (requests > 0),
      primary key (key_id, second)
    ) ${strictTable}`.execute(db);
    await sql`create index request_second_by_second on request_second (second)`.execute(db);
    await sql`create table call_in_flight (
      call_id text primary key,
      key_id text not null references api_key,
      instance_id text not null references instance on delete cascade
    ) ${strictTable}`.execute(db);
    await sql`create index call_in_flight_by_key on call_in_flight (key_id)`.execute(db);
    await sql`create index call_in_flight_by_instance on call_in_flight (instance_id)`.execute(db);
  },
};
