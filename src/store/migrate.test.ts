import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { systemClock } from '../core/clock.ts';
import type { Migration } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { openStore, type Db } from './store.ts';
import { openTemporaryStore, temporaryFolder } from './temporary-store.ts';

const clock = systemClock;

async function versions(db: Db): Promise<number[]> {
  const { rows } = await sql<{ version: number }>`select version from schema_migration order by 1`.execute(db);
  return rows.map((row) => row.version);
}

test('processes that start at once on a new database all come up, and each migration runs once', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'earshot.db');
  const opener = fileURLToPath(new URL('./open-and-close.js', import.meta.url));
  const codes = await Promise.all(
    Array.from({ length: 4 }, async () => (await once(fork(opener, [path]), 'exit'))[0] as number | null),
  );
  assert.deepEqual(codes, [0, 0, 0, 0]);
  await using store = await openStore({ path, role: 'command', clock });
  assert.deepEqual(
    await versions(store.db),
    MIGRATIONS.map((_, index) => index + 1),
  );
});

test('a database of a later version is refused with a sentence that says what to do', async () => {
  await using store = await openTemporaryStore({ clock });
  await sql`insert into schema_migration values (99, 'from the future', 0)`.execute(store.db);
  await assert.rejects(openStore({ path: store.path, role: 'command', clock }), {
    name: 'DatabaseTooNew',
    message: /version 99, but this program knows versions up to \d+\. Start the newer program/,
  });
});

test('a migration that fails leaves the database as it was, and the next start tries again', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'earshot.db');
  const good: Migration = {
    name: 'good',
    up: async (db) => void (await sql`create table good (id text) strict`.execute(db)),
  };
  const bad: Migration = { name: 'bad', up: async (db) => void (await sql`create table good (id text)`.execute(db)) };
  await assert.rejects(openStore({ path, role: 'command', clock, migrations: [good, bad] }), /already exists/);
  await using store = await openStore({ path, role: 'command', clock, migrations: [good] });
  assert.deepEqual(await versions(store.db), [1]);
});

test('a database that is up to date opens without a change, and an older one gets just what is missing', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'earshot.db');
  const runs: string[] = [];
  const step = (name: string): Migration => ({ name, up: async () => void runs.push(name) });
  for (const migrations of [[step('a')], [step('a')], [step('a'), step('b'), step('c')]]) {
    await (await openStore({ path, role: 'command', clock, migrations })).close();
  }
  assert.deepEqual(runs, ['a', 'b', 'c']);
});

test('the database itself refuses to change or remove rows of the append-only tables', async () => {
  await using store = await openTemporaryStore({ clock });
  await sql`insert into account values ('acc_1', 'one', 0)`.execute(store.db);
  await sql`insert into cap_group values ('cap_1', null)`.execute(store.db);
  await sql`insert into api_key (key_id, account_id, cap_group_id, kind, name, secret_digest, last_four, created_at)
    values ('key_1', 'acc_1', 'cap_1', 'wholesale', '', '', '', 0)`.execute(store.db);
  await sql`insert into price values ('m', 1, 0, null, null, 5)`.execute(store.db);
  await sql`insert into hold values ('hold_1', 'req_1', 'acc_1', 'key_1', 'cap_1', '2026-07', 'm', 9, 0)`.execute(
    store.db,
  );
  await sql`insert into transfer values ('tra_1', 'settle', 'hold_1', 9, 'a', 'b', 9, null, 0)`.execute(store.db);
  await sql`insert into request values ('req_1', 'acc_1', 'key_1', 'm', 'e', '[]', 200, null, null, null, 0, 1, 1, 1, 0, 9, 9, 1)`.execute(
    store.db,
  );
  for (const [table, column] of [
    ['price', 'valid_from'],
    ['hold', 'created_at'],
    ['transfer', 'created_at'],
    ['request', 'started_at'],
  ] as const) {
    const refused = { message: `Rows of ${table} are never changed or removed; write a new one.` };
    await assert.rejects(sql`update ${sql.table(table)} set ${sql.ref(column)} = 1`.execute(store.db), refused);
    await assert.rejects(sql`delete from ${sql.table(table)}`.execute(store.db), refused);
  }
});

test('the database itself refuses a charge above its hold, and a second end of a hold', async () => {
  await using store = await openTemporaryStore({ clock });
  await sql`insert into account values ('acc_1', 'one', 0)`.execute(store.db);
  await sql`insert into cap_group values ('cap_1', null)`.execute(store.db);
  await sql`insert into api_key (key_id, account_id, cap_group_id, kind, name, secret_digest, last_four, created_at)
    values ('key_1', 'acc_1', 'cap_1', 'wholesale', '', '', '', 0)`.execute(store.db);
  await sql`insert into hold values ('hold_1', 'req_1', 'acc_1', 'key_1', 'cap_1', '2026-07', 'm', 9, 0)`.execute(
    store.db,
  );
  const end = (id: string, kind: string, held: number, amount: number, reason: string | null) =>
    sql`insert into transfer values (${id}, ${kind}, 'hold_1', ${held}, 'a', 'b', ${amount}, ${reason}, 0)`.execute(
      store.db,
    );
  await assert.rejects(end('tra_1', 'settle', 9, 10, null), /CHECK/, 'more than the hold');
  await assert.rejects(end('tra_1', 'settle', 10, 10, null), /FOREIGN KEY/, 'a larger hold than there is');
  await assert.rejects(end('tra_1', 'void', 9, 1, 'reason'), /CHECK/, 'a void that moves money');
  await end('tra_1', 'settle', 9, 8, null);
  await assert.rejects(end('tra_2', 'void', 9, 0, 'reason'), /UNIQUE/, 'a second end');
});
