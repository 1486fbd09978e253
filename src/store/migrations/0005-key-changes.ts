import type { Migration } from '../migrate.ts';

/** Servers that keep keys in memory are told of every change of one, whoever makes it. */
export const keyChanges: Migration = {
  name: 'key-changes',
  up: async (db, facts) => {
    for (const table of ['api_key', 'cap_group'] as const) await facts.announceKeyChanges(db, table);
  },
};
