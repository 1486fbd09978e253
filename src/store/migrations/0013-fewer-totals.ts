import { sql } from 'kysely';
import type { Migration } from '../migrate.ts';

/** What an account spends in a month is the sum of its days, which are kept anyway: one row fewer for each call to write. */
export const fewerTotals: Migration = {
  name: 'fewer-totals',
  async up(db) {
    await sql`drop table account_month`.execute(db);
  },
};
