import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../core/caller.ts';
import { silentLogger } from '../core/log.ts';
import { newId } from '../core/ids.ts';
import { openStore, type Store } from '../store/store.ts';
import { openTemporaryStore, type DatabaseName } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createAdmission, type Permit } from './admit.ts';
import { createSharedAdmission } from './shared-admission.ts';
import type { RateLimit } from './sliding-minute.ts';

const LEASE_MS = 30_000;

async function addKey({ db }: Store, limits: Partial<Caller> = {}): Promise<Caller> {
  const caller: Caller = {
    accountId: newId('acc'),
    keyId: newId('key'),
    capGroupId: newId('cap'),
    kind: 'wholesale',
    name: '',
    capNanoUsd: null,
    allowedModels: null,
    allowedAddresses: null,
    requestsPerMinute: 600,
    concurrency: 32,
    expiresAt: null,
    ...limits,
  };
  const { accountId, keyId, capGroupId } = caller;
  await db.insertInto('account').values({ account_id: accountId, name: '', created_at: 0 }).execute();
  await db.insertInto('cap_group').values({ cap_group_id: capGroupId, cap_nano_usd: null }).execute();
  await db
    .insertInto('api_key')
    .values({
      key_id: keyId,
      account_id: accountId,
      cap_group_id: capGroupId,
      kind: 'wholesale',
      name: '',
      secret_digest: '',
      last_four: '',
      created_at: 0,
    })
    .execute();
  return caller;
}

/** SQLite's one server counts in memory, PostgreSQL's servers in the database. */
async function open(database: DatabaseName) {
  let now = 1_000_000;
  const clock = { now: () => now };
  const store = await openTemporaryStore({ database, clock });
  const serverOf = async (instanceId: string, on: Store = store) => {
    const lease = { instance_id: instanceId, lease_until: now + LEASE_MS };
    await on.db
      .insertInto('instance')
      .values(lease)
      .onConflict((conflict) => conflict.column('instance_id').doUpdateSet(lease))
      .execute();
    const admission =
      database === 'sqlite'
        ? createAdmission({ clock })
        : createSharedAdmission({ store: on, clock, instanceId, log: silentLogger });
    return async (caller: Caller): Promise<Permit & { readonly limit: RateLimit }> => {
      const limits: RateLimit[] = [];
      const permit = await admission
        .admit(caller, (limit) => limits.push(limit))
        .catch((error: unknown) => {
          throw Object.assign(error as Error, { limit: limits[0] });
        });
      const [limit] = limits;
      assert.ok(limit !== undefined && limits.length === 1);
      return { limit, [Symbol.asyncDispose]: () => permit[Symbol.asyncDispose]() };
    };
  };
  return {
    store,
    clock,
    serverOf,
    admit: await serverOf('server_1'),
    key: (limits?: Partial<Caller>) => addKey(store, limits),
    pass: (ms: number) => void (now += ms),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

testOnEach(
  'a key makes exactly its requests in a minute, then waits until the oldest are a minute old',
  async (database) => {
    await using server = await open(database);
    const one = await server.key({ requestsPerMinute: 3 });
    for (const remaining of [2, 1, 0]) {
      await using permit = await server.admit(one);
      assert.deepEqual(permit.limit, { limit: 3, remaining, resetSeconds: 61 });
    }
    server.pass(12_500);
    const limit = { limit: 3, remaining: 0, resetSeconds: 49 };
    await assert.rejects(server.admit(one), { code: 'rate_limited', retryAfterSeconds: 49, limit });
    server.pass(48_499);
    await assert.rejects(server.admit(one), { code: 'rate_limited', retryAfterSeconds: 1 });
    server.pass(1);
    await using permit = await server.admit(one);
    assert.equal(permit.limit.remaining, 2);
  },
);

testOnEach('no sixty seconds hold more than the limit, wherever they begin', async (database) => {
  await using server = await open(database);
  const one = await server.key({ requestsPerMinute: 5 });
  const admittedAt: number[] = [];
  for (let step = 0; step < 100; step += 1) {
    await using permit = await server.admit(one).catch(() => null);
    if (permit !== null) admittedAt.push(server.clock.now());
    server.pass(1_700);
  }
  for (const start of admittedAt) {
    const within = admittedAt.filter((at) => at >= start && at < start + 60_000);
    assert.ok(within.length <= 5, `${within.length} in the minute from ${start}`);
  }
  assert.ok(admittedAt.length >= 13, `${admittedAt.length} in 170 seconds`);
});

testOnEach('a place comes back as soon as the oldest request is gone, not only when all are', async (database) => {
  await using server = await open(database);
  const one = await server.key({ requestsPerMinute: 2 });
  await using _first = await server.admit(one);
  server.pass(30_000);
  await using _second = await server.admit(one);
  await assert.rejects(server.admit(one), { code: 'rate_limited', retryAfterSeconds: 31 });
  server.pass(31_000);
  await using third = await server.admit(one);
  assert.deepEqual(third.limit, { limit: 2, remaining: 0, resetSeconds: 61 });
});

testOnEach('refused calls are not counted', async (database) => {
  await using server = await open(database);
  const one = await server.key({ concurrency: 1 });
  await using permit = await server.admit(one);
  await assert.rejects(server.admit(one), { code: 'concurrency_limited', retryAfterSeconds: 1, limit: permit.limit });
});

testOnEach('a place among the calls in flight comes back once, however often it is given back', async (database) => {
  await using server = await open(database);
  const one = await server.key({ concurrency: 2 });
  const first = await server.admit(one);
  await using _second = await server.admit(one);
  await assert.rejects(server.admit(one), { code: 'concurrency_limited' });
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await using _third = await server.admit(one);
  await assert.rejects(server.admit(one), { code: 'concurrency_limited' });
});

testOnEach('keys have their limits each for itself', async (database) => {
  await using server = await open(database);
  await using _one = await server.admit(await server.key({ requestsPerMinute: 1 }));
  await using other = await server.admit(await server.key({ requestsPerMinute: 1 }));
  assert.equal(other.limit.remaining, 0);
});

testOnEach('a key that was rotated and its successor have one limit together', async (database) => {
  await using server = await open(database);
  const old = await server.key({ requestsPerMinute: 3, concurrency: 2 });
  const successor = { ...old, keyId: newId('key') };
  {
    await using _first = await server.admit(old);
    await using _second = await server.admit(successor);
    for (const one of [old, successor]) await assert.rejects(server.admit(one), { code: 'concurrency_limited' });
  }
  await using third = await server.admit(successor);
  assert.equal(third.limit.remaining, 0);
  for (const one of [old, successor]) await assert.rejects(server.admit(one), { code: 'rate_limited' });
});

testOnEach('a call in flight keeps its place over the end of a minute', async (database) => {
  await using server = await open(database);
  const one = await server.key({ concurrency: 1 });
  await using _long = await server.admit(one);
  for (let minute = 0; minute < 5; minute += 1) {
    server.pass(61_000);
    await server.serverOf('server_1');
    await assert.rejects(server.admit(one), { code: 'concurrency_limited' });
    await using _other = await server.admit(await server.key());
  }
});

testOnEach('a limit that was changed counts from the next call on', async (database) => {
  await using server = await open(database);
  const one = await server.key({ requestsPerMinute: 1 });
  await using _first = await server.admit(one);
  await assert.rejects(server.admit(one), { code: 'rate_limited' });
  await using raised = await server.admit({ ...one, requestsPerMinute: 5 });
  assert.equal(raised.limit.remaining, 3);
});

test('servers on one PostgreSQL count a key’s requests and calls in flight together', async () => {
  await using server = await open('postgres');
  const others = await Promise.all(
    [1, 2].map(() => openStore({ url: server.store.url, role: 'server', clock: server.clock })),
  );
  const servers = [
    server.admit,
    ...(await Promise.all(others.map((store, index) => server.serverOf(`other_${index}`, store)))),
  ];
  for (const limits of [{ requestsPerMinute: 40 }, { concurrency: 40, requestsPerMinute: 1_000 }]) {
    const one = await server.key({ concurrency: 1_000, ...limits });
    const tries = await Promise.allSettled(Array.from({ length: 120 }, async (_, index) => servers[index % 3]?.(one)));
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 40);
  }
  await Promise.all(others.map((store) => store.close()));
});

test('the calls of a server that died stop counting with its lease', async () => {
  await using server = await open('postgres');
  const one = await server.key({ concurrency: 1 });
  const dead = await server.serverOf('server_2');
  await dead(one);
  server.pass(LEASE_MS);
  await server.serverOf('server_1');
  await assert.rejects(server.admit(one), { code: 'concurrency_limited' });
  server.pass(1);
  await using _permit = await server.admit(one);
});

test('what counts no more does not stay in the database', async () => {
  await using server = await open('postgres');
  await using _old = await server.admit(await server.key());
  server.pass(62_000);
  await using _young = await server.admit(await server.key());
  const rows = await server.store.db.selectFrom('request_second').select('second').execute();
  assert.deepEqual(rows, [{ second: 1_062 }]);
});
