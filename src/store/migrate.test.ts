import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { systemClock } from '../core/clock.ts';
import type { Constraint } from './facts.ts';
import type { Migration } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { openStore, type Db } from './store.ts';
import { openTemporaryStore, temporaryDatabase } from './temporary-store.ts';
import { testOnEach } from './test-on-each.ts';

const clock = systemClock;

async function versions(db: Db): Promise<number[]> {
  const { rows } = await sql<{ version: number }>`select version from schema_migration order by 1`.execute(db);
  return rows.map((row) => row.version);
}

testOnEach(
  'processes that start at once on a new database all come up, and each migration runs once',
  async (database) => {
    await using empty = await temporaryDatabase(database);
    const { url } = empty;
    const opener = fileURLToPath(new URL('./open-and-close.js', import.meta.url));
    const codes = await Promise.all(
      Array.from({ length: 4 }, async () => (await once(fork(opener, [url]), 'exit'))[0] as number | null),
    );
    assert.deepEqual(codes, [0, 0, 0, 0]);
    await using store = await openStore({ url, role: 'command', clock });
    assert.deepEqual(
      await versions(store.db),
      MIGRATIONS.map((_, index) => index + 1),
    );
  },
);

testOnEach('a database of a later version is refused with a sentence that says what to do', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  await sql`insert into schema_migration values (99, 'from the future', 0)`.execute(store.db);
  await assert.rejects(openStore({ url: store.url, role: 'command', clock }), {
    name: 'DatabaseTooNew',
    message: /version 99, but this program knows versions up to \d+\. Start the newer program/,
  });
});

testOnEach('a migration that fails leaves the database as it was, and the next start tries again', async (database) => {
  await using empty = await temporaryDatabase(database);
  const { url } = empty;
  const good: Migration = {
    name: 'good',
    up: async (db) => void (await sql`create table good (id text)`.execute(db)),
  };
  const bad: Migration = { name: 'bad', up: async (db) => void (await sql`create table good (id text)`.execute(db)) };
  await assert.rejects(openStore({ url, role: 'command', clock, migrations: [good, bad] }), /already exists/);
  await using store = await openStore({ url, role: 'command', clock, migrations: [good] });
  assert.deepEqual(await versions(store.db), [1]);
});

testOnEach(
  'a database that is up to date opens without a change, and an older one gets just what is missing',
  async (database) => {
    await using empty = await temporaryDatabase(database);
    const { url } = empty;
    const runs: string[] = [];
    const step = (name: string): Migration => ({ name, up: async () => void runs.push(name) });
    for (const migrations of [[step('a')], [step('a')], [step('a'), step('b'), step('c')]]) {
      await (await openStore({ url, role: 'command', clock, migrations })).close();
    }
    assert.deepEqual(runs, ['a', 'b', 'c']);
  },
);

testOnEach('the database itself refuses to change or remove rows of the append-only tables', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  await sql`insert into account values ('acc_1', 'one', 0)`.execute(store.db);
  await sql`insert into cap_group values ('cap_1', null)`.execute(store.db);
  await sql`insert into api_key (key_id, account_id, cap_group_id, kind, name, secret_digest, last_four, created_at)
    values ('key_1', 'acc_1', 'cap_1', 'wholesale', '', '', '', 0)`.execute(store.db);
  await sql`insert into price values ('m', 1, 0, null, null, 5)`.execute(store.db);
  await sql`insert into hold values ('hold_1', 'req_1', 'acc_1', 'key_1', 'cap_1', '2026-07', 'm', 9, 0)`.execute(
    store.db,
  );
  await sql`insert into transfer (transfer_id, kind, hold_id, held_nano_usd, debit_account, credit_account, amount_nano_usd, reason, created_at)
    values ('tra_1', 'settle', 'hold_1', 9, 'a', 'b', 9, null, 0)`.execute(store.db);
  await sql`insert into request (request_id, account_id, key_id, model, engine, engines, status, started_at, duration_ms,
      input_tokens, output_tokens, estimated, list_nano_usd, cost_nano_usd, price_version)
    values ('req_1', 'acc_1', 'key_1', 'm', 'e', '[]', 200, 0, 1, 1, 1, 0, 9, 9, 1)`.execute(store.db);
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

testOnEach('the database itself refuses a charge above its hold, and a second end of a hold', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  await sql`insert into account values ('acc_1', 'one', 0)`.execute(store.db);
  await sql`insert into cap_group values ('cap_1', null)`.execute(store.db);
  await sql`insert into api_key (key_id, account_id, cap_group_id, kind, name, secret_digest, last_four, created_at)
    values ('key_1', 'acc_1', 'cap_1', 'wholesale', '', '', '', 0)`.execute(store.db);
  await sql`insert into hold values ('hold_1', 'req_1', 'acc_1', 'key_1', 'cap_1', '2026-07', 'm', 9, 0)`.execute(
    store.db,
  );
  const end = (id: string, kind: string, held: number, amount: number, reason: string | null) =>
    sql`insert into transfer (transfer_id, kind, hold_id, held_nano_usd, debit_account, credit_account, amount_nano_usd, reason, created_at)
    values (${id}, ${kind}, 'hold_1', ${held}, 'a', 'b', ${amount}, ${reason}, 0)`.execute(store.db);
  const refused = (constraint: Constraint) => (error: unknown) => store.facts.brokenConstraint(error) === constraint;
  await assert.rejects(end('tra_1', 'settle', 9, 10, null), refused('check'), 'more than the hold');
  await assert.rejects(end('tra_1', 'settle', 10, 10, null), refused('foreign-key'), 'a larger hold than there is');
  await assert.rejects(end('tra_1', 'void', 9, 1, 'reason'), refused('check'), 'a void that moves money');
  await end('tra_1', 'settle', 9, 8, null);
  await assert.rejects(end('tra_2', 'void', 9, 0, 'reason'), refused('unique'), 'a second end');
});

test('PostgreSQL refuses to empty an append-only table at one stroke', async () => {
  await using store = await openTemporaryStore({ database: 'postgres', clock });
  await assert.rejects(sql`truncate transfer`.execute(store.db), /Rows of transfer are never changed or removed/);
});
