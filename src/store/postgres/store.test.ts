/** What PostgreSQL alone can do: refuse a connection, break one, deadlock. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemClock } from '../../core/clock.ts';
import { DatabaseError } from '../database-error.ts';
import { readNothing, writeNothing } from '../reach.ts';
import { openStore, type Store } from '../store.ts';
import { openTemporaryStore, temporaryDatabase } from '../temporary-store.ts';

const clock = systemClock;
const database = 'postgres';

async function addAccounts({ db }: Store, ...names: readonly string[]): Promise<void> {
  await db
    .insertInto('account')
    .values(names.map((name) => ({ account_id: name, name, created_at: 0 })))
    .execute();
}

function rename(store: Pick<Store, 'db'>, id: string, name: string) {
  return store.db.updateTable('account').set({ name }).where('account_id', '=', id);
}

async function nameOf({ db }: Store, id: string): Promise<string | undefined> {
  const row = await db.selectFrom('account').select('name').where('account_id', '=', id).executeTakeFirst();
  return row?.name;
}

test('a database that cannot be used is said in a sentence, and the password is never part of it', async () => {
  await using empty = await temporaryDatabase(database);
  const right = new URL(empty.url);
  const wrong = (change: (url: URL) => void): string => {
    const url = new URL(right);
    change(url);
    return url.href;
  };
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  const cases = [
    [wrong((url) => (url.port = String(port))), /nothing listens there/],
    [wrong((url) => (url.hostname = 'no-such-host.invalid')), /cannot be used/],
    [wrong((url) => (url.password = 'wrong-secret')), /refused the password/],
    [wrong((url) => (url.pathname = '/missing')), /no such database/],
  ] as const;
  for (const [url, sentence] of cases) {
    await assert.rejects(openStore({ url, role: 'command', clock }), (error) => {
      assert.ok(error instanceof DatabaseError);
      assert.match(error.message, sentence);
      assert.match(error.message, /^PostgreSQL at postgres:\/\/[^:@]+:\d+\/\w+ cannot be used/);
      return !error.message.includes(right.password) && !error.message.includes('wrong-secret');
    });
  }
});

test('the description of a store names its server and database, without the password', async () => {
  await using store = await openTemporaryStore({ database, clock });
  const { hostname, port, pathname, password } = new URL(store.url);
  assert.equal(store.description, `postgres://${hostname}:${port}${pathname}`);
  assert.equal(store.description.includes(password), false);
});

test('sessions have finite limits, and commits wait for the disk', async () => {
  await using store = await openTemporaryStore({ database, clock, busyMsMax: 1_234, transactionIdleMsMax: 5_678 });
  const setting = async (name: string): Promise<string | undefined> =>
    (await sql<{ value: string }>`select current_setting(${name}) as value`.execute(store.db)).rows[0]?.value;
  assert.deepEqual(
    await Promise.all(
      ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'synchronous_commit'].map(setting),
    ),
    ['30s', '1234ms', '5678ms', 'on'],
  );
  assert.equal(await setting('default_transaction_isolation'), 'read committed');
});

test('a wait for a row that another transaction has locked ends', async () => {
  await using store = await openTemporaryStore({ database, clock, busyMsMax: 20 });
  await addAccounts(store, 'one');
  await store.transaction(async (open) => {
    await rename({ db: open }, 'one', 'first').execute();
    await assert.rejects(rename(store, 'one', 'second').execute(), { code: '55P03' });
    await assert.rejects(store.writeIf(rename(store, 'one', 'second').compile(), []), { code: '55P03' });
  });
  assert.equal(await nameOf(store, 'one'), 'first');
});

test('a deadlock is solved by trying again', async () => {
  await using store = await openTemporaryStore({ database, clock });
  await addAccounts(store, 'one', 'two');
  const both: Promise<void>[] = [];
  let bothHaveOne = (): void => {};
  const met = new Promise<void>((resolve) => (bothHaveOne = resolve));
  let arrived = 0;
  let runs = 0;
  for (const [first, second] of [
    ['one', 'two'],
    ['two', 'one'],
  ] as const) {
    both.push(
      store.transaction(async (open) => {
        runs += 1;
        await rename({ db: open }, first, first).execute();
        arrived += 1;
        if (arrived === 2) bothHaveOne();
        await met;
        await rename({ db: open }, second, `after ${first}`).execute();
      }),
    );
  }
  await Promise.all(both);
  assert.equal(runs, 3);
});

test('writes of one name run one after the other, so that a condition may count rows', async () => {
  await using store = await openTemporaryStore({ database, clock });
  const add = (index: number) =>
    sql`insert into account (account_id, name, created_at)
      select ${`account ${index}`}, 'one of few', 0 where (select count(*) from account) < 7`.compile(store.db);
  const ends = await Promise.all(Array.from({ length: 60 }, (_, index) => store.writeIf(add(index), [], 'accounts')));
  assert.equal(ends.filter(Boolean).length, 7);
});

test('a connection that breaks fails its statement only, and the next one works', async () => {
  await using store = await openTemporaryStore({ database, clock });
  await addAccounts(store, 'one');
  const broken = store.transaction(async (open) => {
    await rename({ db: open }, 'one', 'lost').execute();
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(open);
  });
  await assert.rejects(broken);
  assert.equal(await nameOf(store, 'one'), 'one');
  assert.equal(await store.writeIf(rename(store, 'one', 'two').compile(), []), true);
});

test('a commit whose answer got lost is looked up, so that nobody is told of a failure that was none', async () => {
  await using direct = await openTemporaryStore({ database, clock });
  await addAccounts(direct, 'one');
  await using proxy = await proxyThatDropsCommits(direct.url);
  await using store = await openStore({ url: proxy.url, role: 'command', clock });
  proxy.dropAnswerOfNextCommit();
  assert.equal(await store.writeIf(rename(store, 'one', 'two').compile(), []), true);
  assert.equal(proxy.dropped, 1);
  assert.equal(await nameOf(direct, 'one'), 'two');
});

test('a database that can only be read does not pass for one that can be written', async () => {
  await using store = await openTemporaryStore({ database, clock });
  await Promise.all([readNothing(store.db), writeNothing(store.db)]);
  const readOnly = store.db.transaction().setAccessMode('read only');
  await readOnly.execute((transaction) => readNothing(transaction));
  await assert.rejects(
    readOnly.execute((transaction) => writeNothing(transaction)),
    { code: '25006' },
  );
});

/** Passes bytes on, and cuts the connection where the answer to a commit would come. */
async function proxyThatDropsCommits(serverUrl: string) {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let armed = false;
  let dropped = 0;
  const server = createServer((client) => {
    const upstream = connectSocket(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    let cuts = false;
    client.on('data', (bytes) => {
      if (armed && bytes.includes('commit')) {
        armed = false;
        cuts = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!cuts) return void client.write(bytes);
      // Statements before the commit may be answered in an earlier packet.
      if (!bytes.includes('COMMIT')) return;
      dropped += 1;
      client.destroy();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    get dropped() {
      return dropped;
    },
    dropAnswerOfNextCommit: () => void (armed = true),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
