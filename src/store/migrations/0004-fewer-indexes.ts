import { sql } from 'kysely';
import type { Migration } from '../migrate.ts';

/**
 * Each index costs every call a page to write. Calls of a key are found by its account and time; open holds are few. The
 * limits of a key are shared with its predecessors and successors, as the cap is.
 */
export const fewerIndexes: Migration = {
  name: 'fewer-indexes',
  async up(db, { int64, strictTable }) {
    for (const index of ['request_by_key', 'open_hold_by_instance']) await sql`drop index ${sql.id(index)}`.execute(db);
    // What the two tables hold counts for a minute, or for as long as a call: nothing of it is carried over.
    for (const table of ['request_second', 'call_in_flight']) await sql`drop table ${sql.id(table)}`.execute(db);
    await sql`create table request_second (
      cap_group_id text not null references cap_group,
      second ${int64} not null,
      requests ${int64} not null check (requests > 0),
      primary key (cap_group_id, second)
    ) ${strictTable}`.execute(db);
    await sql`create index request_second_by_second on request_second (second)`.execute(db);
    await sql`create table call_in_flight (
      call_id text primary key,
      cap_group_id text not null references cap_group,
      instance_id text not null references instance on delete cascade
    ) ${strictTable}`.execute(db);
    await sql`create index call_in_flight_by_cap_group on call_in_flight (cap_group_id)`.execute(db);
    await sql`create index call_in_flight_by_instance on call_in_flight (instance_id)`.execute(db);
  },
};
