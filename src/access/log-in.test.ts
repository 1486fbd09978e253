import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { sqliteFacts } from '../store/facts.ts';
import { openTemporaryStore, type DatabaseName } from '../store/temporary-store.ts';
import type { Db, Store } from '../store/store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createAccounts } from './accounts.ts';
import { createLogIn, type LogIn } from './log-in.ts';
import { createLoginDelays, delayMs } from './login-delays.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { createSessions } from './sessions.ts';
import { tokenDigest } from './tokens.ts';
import { createUsers } from './users.ts';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 6, 1);
const HERE = '192.0.2.1';
const EMAIL = 'ann@example.com';
const PASSWORD = 'a long password';

async function open(database: DatabaseName) {
  const time = { now: START };
  const clock = { now: () => time.now };
  const store = await openTemporaryStore({ database, clock });
  const users = createUsers({ store, clock });
  const sessions = createSessions({ db: store.db, clock });
  const delays = createLoginDelays({ store, clock });
  const passwords = createPasswords({ N: 2, r: 1, p: 1 });
  const logInWith = (changed: Partial<Passwords>): LogIn =>
    createLogIn({ store, clock, passwords: { ...passwords, ...changed }, sessions, delays, users });
  const logIn = logInWith({});
  return {
    time,
    store,
    users,
    sessions,
    passwords,
    logInWith,
    logIn,
    tryPassword: (password: string, address = HERE, email = EMAIL) =>
      logIn.withPassword({ email, password }, address).then(
        () => 'in',
        (error: unknown) => (error instanceof AppError ? error.code : String(error)),
      ),
    async makeUser() {
      const { token } = await users.create({ email: EMAIL, role: 'operator', accountId: null });
      return logIn.withLink({ token, password: PASSWORD, email: null }, HERE);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

testOnEach('a link gives one session, however many use it at once, and is none after its time', async (database) => {
  await using people = await open(database);
  const { token } = await people.users.create({ email: EMAIL, role: 'operator', accountId: null });
  const use = () => people.logIn.withLink({ token, password: PASSWORD, email: null }, HERE);
  const uses = await Promise.allSettled([use(), use(), use(), use()]);
  assert.equal(uses.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(use(), { code: 'not_found' });
  const late = await people.users.create({ email: 'late@example.com', role: 'operator', accountId: null });
  people.time.now += 8 * 24 * HOUR_MS;
  await assert.rejects(people.users.findLink(late.token), { code: 'not_found' });
});

testOnEach('the link of a first start makes one operator, and ends with the next start', async (database) => {
  await using people = await open(database);
  const earlier = await people.users.firstLink();
  const link = await people.users.firstLink();
  assert.ok(earlier !== null && link !== null);
  await assert.rejects(people.users.findLink(earlier.token), { code: 'not_found' });
  const setup = { token: link.token, password: PASSWORD };
  await assert.rejects(people.logIn.withLink({ ...setup, email: null }, HERE), { code: 'invalid_parameter' });
  const sessionId = await people.logIn.withLink({ ...setup, email: 'Op@Example.com ' }, HERE);
  const viewer = await people.sessions.find(sessionId);
  assert.deepEqual([viewer?.role, viewer?.email, viewer?.accountId], ['operator', 'op@example.com', null]);
  assert.equal(await people.users.firstLink(), null);
});

testOnEach('an account is named for owners and viewers, and for nobody else', async (database) => {
  await using people = await open(database);
  const make = (role: 'operator' | 'owner', accountId: string | null) =>
    people.users.create({ email: EMAIL, role, accountId });
  await assert.rejects(make('owner', null), { code: 'invalid_parameter' });
  await assert.rejects(make('operator', 'acc_1'), { code: 'invalid_parameter' });
  await assert.rejects(make('owner', 'acc_none'), { code: 'not_found' });
});

testOnEach(
  'only a digest of a session is stored, and it ends after a pause, after a week, and by log-out',
  async (database) => {
    await using people = await open(database);
    const { sessions, time, store, logIn } = people;
    const sessionId = await people.makeUser();
    const stored = JSON.stringify(await store.db.selectFrom('dashboard_session').selectAll().execute());
    assert.ok(!stored.includes(sessionId));
    const viewer = await sessions.find(sessionId);
    assert.equal(viewer?.sessionExpiresAt, START + 12 * HOUR_MS);
    for (let hours = 0; hours < 7 * 24 - 11; hours += 11) {
      assert.ok((await sessions.find(sessionId)) !== null, `used every 11 hours, after ${hours}`);
      time.now += 11 * HOUR_MS;
    }
    time.now = START + 7 * 24 * HOUR_MS;
    assert.equal(await sessions.find(sessionId), null, 'a week has passed');
    const { sessionId: idle } = await newSession(people, viewer?.userId ?? '');
    time.now += 12 * HOUR_MS;
    assert.equal(await sessions.find(idle), null, 'nobody used it for half a day');
    assert.equal(await sessions.forgetEnded(), 2);
    const { sessionId: looked } = await newSession(people, viewer?.userId ?? '');
    time.now += 11 * HOUR_MS;
    const seen = await sessions.look(looked);
    assert.deepEqual([seen?.email, seen?.sessionExpiresAt], [EMAIL, time.now + HOUR_MS]);
    time.now += HOUR_MS;
    assert.equal(await sessions.look(looked), null, 'to look is no use');
    assert.equal(await sessions.find(looked), null);
    const { sessionId: left } = await newSession(people, viewer?.userId ?? '');
    await logIn.logOut(left, { userId: viewer?.userId ?? '', accountId: null }, HERE);
    assert.equal(await sessions.find(left), null);
  },
);

async function newSession({ sessions, store }: Awaited<ReturnType<typeof open>>, userId: string) {
  const made = sessions.create(userId);
  await store.db.executeQuery(made.insert);
  return made;
}

testOnEach('a new link ends those before it, and once it is used the password and every session', async (database) => {
  await using people = await open(database);
  const first = await people.makeUser();
  const { userId } = await people.users.find(' Ann@Example.com');
  const unused = await people.users.newLink(userId);
  const { token } = await people.users.newLink(userId);
  await assert.rejects(people.users.findLink(unused.token), { code: 'not_found' });
  assert.equal(await people.tryPassword(PASSWORD), 'in', 'nobody has used the link yet');
  assert.ok((await people.sessions.find(first)) !== null);
  const second = await people.logIn.withLink({ token, password: 'another password', email: null }, HERE);
  assert.equal(await people.sessions.find(first), null);
  assert.ok((await people.sessions.find(second)) !== null);
  assert.equal(await people.tryPassword(PASSWORD), 'login_failed');
  assert.equal(await people.tryPassword('another password'), 'in');
});

testOnEach('a user who is removed is out at once, and comes back as whoever they are invited as', async (database) => {
  await using people = await open(database);
  const { users, sessions, logIn, store } = people;
  const session = await people.makeUser();
  const { userId } = await users.find(EMAIL);
  const link = await users.newLink(userId);
  await users.remove(userId);
  assert.equal(await sessions.find(session), null);
  assert.equal(await people.tryPassword(PASSWORD), 'login_failed');
  await assert.rejects(logIn.withLink({ token: link.token, password: PASSWORD, email: null }, HERE), {
    code: 'not_found',
  });
  for (const again of [() => users.remove(userId), () => users.newLink(userId), () => users.find(EMAIL)])
    await assert.rejects(again(), { code: 'not_found' });
  assert.equal(await users.firstLink(), null, 'it is no first start');
  const accountId = await createAccounts({ store, clock: { now: () => START } }).create({
    name: 'Acme',
    discountBps: 0,
    tiers: [],
  });
  const invited = await users.create({ email: EMAIL, role: 'viewer', accountId });
  assert.equal(invited.userId, userId, 'the audit log names one person');
  assert.equal(await people.tryPassword(PASSWORD), 'login_failed', 'the old password is gone');
  const back = await logIn.withLink({ token: invited.token, password: PASSWORD, email: null }, HERE);
  const viewer = await sessions.find(back);
  assert.deepEqual([viewer?.role, viewer?.accountId], ['viewer', accountId]);
  await assert.rejects(users.create({ email: EMAIL, role: 'viewer', accountId }), { code: 'conflict' });
});

testOnEach('a log-in that was under way when its user was removed gets no session', async (database) => {
  await using people = await open(database);
  await people.makeUser();
  const { userId } = await people.users.find(EMAIL);
  const slow = people.logInWith({
    async matches(password, stored) {
      await people.users.remove(userId);
      return people.passwords.matches(password, stored);
    },
  });
  await assert.rejects(slow.withPassword({ email: EMAIL, password: PASSWORD }, HERE), { code: 'login_failed' });
  assert.deepEqual(await people.store.db.selectFrom('dashboard_session').selectAll().execute(), []);
});

testOnEach('a user who is removed while they are given another link does not come back by it', async (database) => {
  await using people = await open(database);
  const { users, store, logIn } = people;
  await people.makeUser();
  const { userId } = await users.find(EMAIL);
  await users.newLink(userId);
  const [made] = await startedInOrder(store, 'one_time_link', [
    () => users.newLink(userId),
    () => users.remove(userId),
  ] as const);
  await assert.rejects(users.find(EMAIL), { code: 'not_found' });
  await assert.rejects(logIn.withLink({ token: made.token, password: PASSWORD, email: null }, HERE), {
    code: 'not_found',
  });
  assert.deepEqual(await store.db.selectFrom('one_time_link').selectAll().where('used_at', 'is', null).execute(), []);
});

testOnEach('of links that are made at once one is left', async (database) => {
  await using people = await open(database);
  const { users, store } = people;
  await people.makeUser();
  const { userId } = await users.find(EMAIL);
  await users.newLink(userId);
  const newLink = () => users.newLink(userId);
  await startedInOrder(store, 'one_time_link', [newLink, newLink, newLink]);
  const live = await store.db.selectFrom('one_time_link').selectAll().where('used_at', 'is', null).execute();
  assert.equal(live.length, 1);
});

testOnEach('a link that is used ends all others of its user', async (database) => {
  await using people = await open(database);
  const { users, store, logIn } = people;
  const { userId, token } = await users.create({ email: EMAIL, role: 'operator', accountId: null });
  const other = { token_digest: tokenDigest('other'), user_id: userId, created_at: START, used_at: null };
  await store.db
    .insertInto('one_time_link')
    .values({ ...other, expires_at: START + HOUR_MS })
    .execute();
  assert.equal((await users.findLink('other')).email, EMAIL);
  await logIn.withLink({ token, password: PASSWORD, email: null }, HERE);
  await assert.rejects(users.findLink('other'), { code: 'not_found' });
});

testOnEach('nothing that is left of a removed user lets them in', async (database) => {
  await using people = await open(database);
  const { users, sessions, store } = people;
  const session = await people.makeUser();
  const { userId } = await users.find(EMAIL);
  const { token } = await users.newLink(userId);
  await store.db.updateTable('dashboard_user').set({ removed_at: START }).execute();
  assert.equal(await sessions.find(session), null);
  assert.equal(await people.tryPassword(PASSWORD), 'login_failed');
  await assert.rejects(users.findLink(token), { code: 'not_found' });
  await store.db.updateTable('dashboard_user').set({ removed_at: null }).execute();
  const slow = people.logInWith({
    async hash(password) {
      await store.db.updateTable('dashboard_user').set({ removed_at: START }).execute();
      return people.passwords.hash(password);
    },
  });
  await assert.rejects(slow.withLink({ token, password: PASSWORD, email: null }, HERE), { code: 'not_found' });
});

testOnEach('operators who remove each other at the same moment leave one of them', async (database) => {
  await using people = await open(database);
  const { users, store } = people;
  await people.makeUser();
  const { userId: ann } = await users.find(EMAIL);
  const { userId: bob } = await users.create({ email: 'bob@example.com', role: 'operator', accountId: null });
  await assert.rejects(users.remove(ann, ann), { code: 'conflict' });
  const [first, second] = await startedInOrder(store, 'dashboard_session', [
    () => users.remove(ann, bob).then(() => 'removed'),
    () => users.remove(bob, ann).catch((error: unknown) => (error as AppError).code),
  ] as const);
  assert.deepEqual([first, second], ['removed', 'session_required']);
  assert.equal((await users.find('bob@example.com')).userId, bob);
  await assert.rejects(users.remove(bob, ann), { code: 'session_required' });
  await users.remove(bob);
  await assert.rejects(users.find('bob@example.com'), { code: 'not_found' }, 'a command may remove the last one');
});

/**
 * Runs changes at once, each begun when the ones before it wait: for the rows of a table, which are held meanwhile, or for
 * each other. SQLite takes them one after the other anyway.
 */
async function startedInOrder<Made extends readonly unknown[]>(
  store: Store,
  table: 'one_time_link' | 'dashboard_session',
  changes: { readonly [Index in keyof Made]: () => Promise<Made[Index]> },
): Promise<Made> {
  const running: Promise<unknown>[] = [];
  if (store.facts === sqliteFacts) running.push(...changes.map((change) => change()));
  else
    await store.transaction(async (db) => {
      await sql`select 1 from ${sql.table(table)} for update`.execute(db);
      for (const change of changes) {
        running.push(change());
        for (let looks = 0; (await waitingFor(db)) < running.length; looks += 1) assert.ok(looks < 5_000, 'it waits');
      }
    });
  return (await Promise.all(running)) as unknown as Made;
}

/** How many connections wait for this one, or for one that does. */
async function waitingFor(db: Db): Promise<number> {
  const { rows } = await sql<{ pids: number }>`
    with recursive waiting (pid) as (
      select pg_backend_pid() union
      select other.pid from pg_locks other join waiting on waiting.pid = any(pg_blocking_pids(other.pid)))
    select count(*) - 1 as pids from waiting`.execute(db);
  return Number(rows[0]?.pids);
}

testOnEach('whoever fails waits longer each time, for the account and for the address', async (database) => {
  await using people = await open(database);
  await people.makeUser();
  for (let tries = 0; tries < 5; tries += 1)
    assert.equal(await people.tryPassword('wrong', `198.51.100.${tries}`), 'login_failed');
  assert.equal(await people.tryPassword(PASSWORD, '198.51.100.9'), 'rate_limited', 'the right one has to wait too');
  people.time.now += 1_001;
  assert.equal(await people.tryPassword('wrong'), 'login_failed');
  people.time.now += 1_500;
  assert.equal(await people.tryPassword('wrong'), 'rate_limited', 'the second wait is twice as long');
  people.time.now += 600;
  assert.equal(await people.tryPassword(PASSWORD), 'in');
  assert.equal(await people.tryPassword('wrong'), 'login_failed', 'a good one begins anew');
  const guesses = [];
  for (let tries = 0; tries < 25; tries += 1)
    guesses.push(await people.tryPassword('wrong', '2001:db8::1', `user-${tries}@example.com`));
  assert.equal(guesses.filter((code) => code === 'login_failed').length, 20);
  assert.equal(await people.tryPassword('wrong', '2001:db8::ffff:1', 'new@example.com'), 'rate_limited', 'its network');
  assert.equal(await people.tryPassword('wrong', '2001:db8:0:1::1', 'new@example.com'), 'login_failed', 'another');
});

testOnEach('guesses that come at the same moment are not all let through', async (database) => {
  await using people = await open(database);
  await people.makeUser();
  const guesses = await Promise.all(Array.from({ length: 20 }, () => people.tryPassword('wrong')));
  assert.equal(guesses.filter((code) => code === 'login_failed').length, 5);
});

testOnEach('log-ins are in the audit log, which nobody changes', async (database) => {
  await using people = await open(database);
  await people.makeUser();
  await people.tryPassword('wrong');
  await people.tryPassword(PASSWORD);
  const rows = await people.store.db.selectFrom('audit').selectAll().orderBy('at').orderBy('audit_id').execute();
  assert.deepEqual(rows.map(({ action }) => action).toSorted(), ['user.login', 'user.login_failed', 'user.setup']);
  assert.doesNotMatch(JSON.stringify(rows), /wrong|a long password/);
  await assert.rejects(people.store.db.updateTable('audit').set({ action: 'x' }).execute(), /never changed/);
  await assert.rejects(people.store.db.deleteFrom('audit').execute(), /never changed/);
});

test('the wait doubles and has an end', () => {
  assert.deepEqual(
    [4, 5, 6, 7, 100].map((failures) => delayMs(failures)),
    [0, 1_000, 2_000, 4_000, 60_000],
  );
});

test('a password is stored with a salt of its own, and checked with the figures that it was stored with', async () => {
  const passwords = createPasswords({ N: 4, r: 1, p: 1 });
  const [one, other] = await Promise.all([passwords.hash(PASSWORD), passwords.hash(PASSWORD)]);
  assert.notEqual(one, other);
  const stronger = createPasswords({ N: 8, r: 2, p: 1 });
  assert.equal(await stronger.matches(PASSWORD, one), true);
  assert.equal(await stronger.matches('a long passwore', one), false);
  assert.equal(await stronger.matches(PASSWORD, null), false);
  assert.equal(await passwords.matches('\u212Bngstrom', await passwords.hash('\u00C5ngstrom')), true);
});

test('two passwords are hashed at a time, and no more wait than there is patience for', async () => {
  const passwords = createPasswords({ N: 2 ** 12, r: 8, p: 1 });
  const ends = await Promise.allSettled(Array.from({ length: 40 }, () => passwords.hash(PASSWORD)));
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 22);
});
