import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemClock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { readNothing, writeNothing } from './reach.ts';
import { openStore, type Db, type Store } from './store.ts';
import { openTemporaryStore, temporaryFolder } from './temporary-store.ts';
import { testOnEach } from './test-on-each.ts';

const clock = systemClock;

function addAccount(db: Db, name: string): Promise<unknown> {
  return db
    .insertInto('account')
    .values({ account_id: newId('acc'), name, created_at: 0 })
    .execute();
}

async function names(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('account').select('name').orderBy('name').execute();
  return rows.map((row) => row.name);
}

/** Something that a test opens when it wants to. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Lets `start` send its orders while another transaction is open, so that they wait together and form one group. */
async function inOneGroup<T>(store: Store, start: () => T): Promise<T> {
  const holding = gate();
  const sent = gate();
  const blocker = store.transaction(async (open) => {
    await sql`update account set name = name where false`.execute(open);
    holding.open();
    await sent.opened;
  });
  // It belongs to the group and shares its fate, which is the test's to judge.
  blocker.catch(() => {});
  await holding.opened;
  const started = start();
  // The reader's answer comes after the orders above have left.
  await names(store.db);
  sent.open();
  return started;
}

test('the database file and its log are readable by their owner only', async () => {
  await using store = await openTemporaryStore({ clock });
  const path = store.url.slice('sqlite:'.length);
  for (const file of [path, `${path}-wal`]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
});

test('the writer uses a write-ahead log, full synchronisation and foreign keys', async () => {
  await using store = await openTemporaryStore({ clock });
  const settings = await store.transaction(async (transaction) => ({
    journal: (await sql<{ journal_mode: string }>`pragma journal_mode`.execute(transaction)).rows[0]?.journal_mode,
    synchronous: (await sql<{ synchronous: number }>`pragma synchronous`.execute(transaction)).rows[0]?.synchronous,
    foreignKeys: (await sql<{ foreign_keys: number }>`pragma foreign_keys`.execute(transaction)).rows[0]?.foreign_keys,
  }));
  assert.deepEqual(settings, { journal: 'wal', synchronous: 2, foreignKeys: 1 });
});

testOnEach('money leaves the database as bigint, beyond 2^53 too, and other integers as numbers', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  const cap = 2n ** 63n - 1n;
  await store.db.insertInto('cap_group').values({ cap_group_id: 'cap_1', cap_nano_usd: cap }).execute();
  await addAccount(store.db, 'one');
  const group = await store.db.selectFrom('cap_group').selectAll().executeTakeFirstOrThrow();
  const account = await store.db.selectFrom('account').select('created_at').executeTakeFirstOrThrow();
  assert.deepEqual([group.cap_nano_usd, account.created_at], [cap, 0]);
});

testOnEach('a number that JavaScript cannot carry is an error, never a rounded value', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  await assert.rejects(sql`select 9007199254740993 as big`.execute(store.db), /big holds an integer/);
});

testOnEach(
  'nobody sees the rows of a transaction that has not ended, and everybody does once it has resolved',
  async (database) => {
    await using store = await openTemporaryStore({ database, clock });
    const inserted = gate();
    const mayEnd = gate();
    const transaction = store.transaction(async (open) => {
      await addAccount(open, 'one');
      inserted.open();
      await mayEnd.opened;
    });
    await inserted.opened;
    assert.deepEqual(await names(store.db), []);
    mayEnd.open();
    await transaction;
    assert.deepEqual(await names(store.db), ['one']);
  },
);

test('a transaction of a group is told its end only when the whole group is durable', async () => {
  await using store = await openTemporaryStore({ clock });
  const secondStarted = gate();
  const mayEnd = gate();
  let firstAcknowledged = false;
  const ends = await inOneGroup(store, () => [
    addAccount(store.db, 'first').then(() => {
      firstAcknowledged = true;
    }),
    store.transaction(async (open) => {
      await addAccount(open, 'second');
      secondStarted.open();
      await mayEnd.opened;
    }),
  ]);
  await secondStarted.opened;
  // The second one runs inside the group of the first: the first has been carried out, but it is neither told nor seen.
  assert.deepEqual(await names(store.db), []);
  assert.equal(firstAcknowledged, false);
  mayEnd.open();
  await Promise.all(ends);
  assert.deepEqual(await names(store.db), ['first', 'second']);
});

testOnEach('a transaction that fails takes nothing of its neighbours in the group with it', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  const refused = new Error('the caller changed its mind');
  const ends = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) =>
      store.transaction(async (open) => {
        await addAccount(open, `account ${index}`);
        if (index % 3 === 1) throw refused;
        if (index % 3 === 2) await sql`insert into account (account_id) values ('no name')`.execute(open);
      }),
    ),
  );
  assert.deepEqual(
    ends.map((end) => end.status),
    Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 'fulfilled' : 'rejected')),
  );
  assert.equal((await names(store.db)).length, 20);
});

test('where the commit of a group fails, each of its transactions fails, and the next group works', async () => {
  await using store = await openTemporaryStore({ clock });
  await sql`create table parent (id integer primary key) strict`.execute(store.db);
  await sql`create table child (parent integer references parent deferrable initially deferred) strict`.execute(
    store.db,
  );
  const orphan = sql`insert into child values (7)`;
  const ends = await inOneGroup(store, () =>
    Promise.allSettled([addAccount(store.db, 'one'), orphan.execute(store.db), addAccount(store.db, 'two')]),
  );
  assert.deepEqual(
    ends.map((end) => end.status),
    ['rejected', 'rejected', 'rejected'],
  );
  await addAccount(store.db, 'three');
  assert.deepEqual(await names(store.db), ['three']);
});

testOnEach('a conditional write does all of its statements or none', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  await addAccount(store.db, 'one');
  const rename = (from: string) => sql`update account set name = 'two' where name = ${from}`.compile(store.db);
  const group = (cap: bigint) => sql`insert into cap_group values (${newId('cap')}, ${cap})`.compile(store.db);
  assert.equal(await store.writeIf(rename('nobody'), [group(1n)]), false);
  await assert.rejects(
    store.writeIf(rename('one'), [group(1n), group(-1n)]),
    (error) => store.facts.brokenConstraint(error) === 'check',
  );
  assert.deepEqual(await names(store.db), ['one']);
  assert.equal(await store.writeIf(rename('one'), [group(1n), group(2n)]), true);
  assert.deepEqual(await names(store.db), ['two']);
  assert.equal((await store.db.selectFrom('cap_group').selectAll().execute()).length, 2);
});

test('a conditional write that breaks half-way takes nothing of its group with it, wherever it stands', async () => {
  for (const breaks of [[0], [4], [8], [2, 3, 7]]) {
    for (const open of [null, 0, 5]) {
      await using store = await openTemporaryStore({ clock });
      const write = (index: number): Promise<boolean> => {
        const account = sql`insert into account values (${`acc_${index}`}, ${`${index}`}, 0)`.compile(store.db);
        const cap = breaks.includes(index) ? -1n : 1n;
        const group = sql`insert into cap_group values (${`cap_${index}`}, ${cap})`.compile(store.db);
        return store.writeIf(account, [group]);
      };
      const other = (): Promise<boolean> =>
        store.transaction(async (transaction) => {
          await addAccount(transaction, 'open');
          return true;
        });
      // What is sent at once arrives together and forms one group.
      const ends = await Promise.allSettled(
        Array.from({ length: 9 }, (_, index) => (index === open ? other() : write(index))),
      );
      const expected = Array.from({ length: 9 }, (_, index) => index === open || !breaks.includes(index));
      assert.deepEqual(
        ends.map((end) => end.status === 'fulfilled' && end.value),
        expected,
      );
      const written = expected.flatMap((done, index) => (done ? [index === open ? 'open' : `${index}`] : []));
      assert.deepEqual(await names(store.db), written.toSorted());
      const groups = await store.db.selectFrom('cap_group').select('cap_group_id').execute();
      assert.deepEqual(
        groups.map((group) => group.cap_group_id).toSorted(),
        written.filter((name) => name !== 'open').map((name) => `cap_${name}`),
      );
    }
  }
});

testOnEach('a transaction that stays silent is rolled back, so that the others go on', async (database) => {
  // Long enough for a busy machine to come from one statement to the next.
  await using store = await openTemporaryStore({ database, clock, transactionIdleMsMax: 500 });
  await addAccount(store.db, 'one');
  const rename = (db: Db, name: string) => db.updateTable('account').set({ name }).execute();
  const renamed = gate();
  const othersWereThere = gate();
  const silent = store.transaction(async (open) => {
    await rename(open, 'silent');
    renamed.open();
    await othersWereThere.opened;
    await addAccount(open, 'late');
  });
  await renamed.opened;
  await rename(store.db, 'other');
  othersWereThere.open();
  await assert.rejects(silent);
  assert.deepEqual(await names(store.db), ['other']);
});

testOnEach('a command writes beside a server that is busy without a pause', async (database) => {
  await using server = await openTemporaryStore({ database, clock });
  await using command = await openStore({ url: server.url, role: 'command', clock });
  let done = false;
  const callers = Array.from({ length: 32 }, async () => {
    while (!done) await addAccount(server.db, 'server');
  });
  for (let count = 0; count < 3; count += 1) await addAccount(command.db, 'command');
  done = true;
  await Promise.all(callers);
  assert.equal((await names(server.db)).filter((name) => name === 'command').length, 3);
});

test('a writer that waits too long for another process says so', async () => {
  await using server = await openTemporaryStore({ clock });
  await using command = await openStore({ url: server.url, role: 'command', clock, busyMsMax: 20 });
  await server.transaction(async (open) => {
    await addAccount(open, 'server');
    await assert.rejects(addAccount(command.db, 'command'), /locked by another process/);
    await assert.rejects(
      command.transaction((other) => addAccount(other, 'command')),
      /locked by another process/,
    );
  });
  assert.deepEqual(await names(server.db), ['server']);
});

test('a database whose writer cannot write is found out, though it can still be read', async () => {
  await using server = await openTemporaryStore({ clock });
  await using command = await openStore({ url: server.url, role: 'command', clock, busyMsMax: 20 });
  await Promise.all([readNothing(command.db), writeNothing(command.db)]);
  await server.transaction(async (open) => {
    await addAccount(open, 'server');
    await readNothing(command.db);
    await assert.rejects(writeNothing(command.db), /locked by another process/);
  });
});

test('one SQLite file serves one server; the next one starts once it has closed', async () => {
  await using folder = await temporaryFolder();
  const options = { url: `sqlite:${join(folder.path, 'earshot.db')}`, role: 'server', clock, busyMsMax: 20 } as const;
  const first = await openStore(options);
  await assert.rejects(openStore(options), { code: 'SERVER_RUNNING' });
  await first.close();
  await using second = await openStore(options);
  assert.equal(second.soleServer, true);
});

test('a database that cannot be opened is refused with a sentence, and nothing stays behind', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'missing', 'earshot.db');
  await assert.rejects(openStore({ url: `sqlite:${path}`, role: 'command', clock }), /ENOENT/);
  assert.equal(existsSync(path), false);
});

testOnEach('after it has been closed, the store refuses instead of waiting', async (database) => {
  await using store = await openTemporaryStore({ database, clock });
  await store.close();
  await assert.rejects(names(store.db));
  const query = sql`delete from account`.compile(store.db);
  await assert.rejects(store.writeIf(query, []));
});

test('a template that writes through the reader is refused', async () => {
  await using store = await openTemporaryStore({ clock });
  const write = sql`with one as (select 'a' as id) insert into account select id, id, 0 from one`;
  await assert.rejects(write.execute(store.db), /readonly/);
});
