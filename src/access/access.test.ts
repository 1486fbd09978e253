import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { Caller } from '../core/caller.ts';
import { toBase62 } from '../core/ids.ts';
import { openTemporaryStore, type DatabaseName } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createAccounts } from './accounts.ts';
import { createAuthenticate, requireWholesale } from './authenticate.ts';
import { newKeyText } from './key-text.ts';
import { createKeys, type NewKey } from './keys.ts';

const START = Date.UTC(2026, 6, 1);
const HOUR_MS = 3_600_000;
const PEPPER = 'a pepper for tests';
const DEFAULTS = { requestsPerMinute: 600, concurrency: 32 };

async function openAccess(database: DatabaseName) {
  let now = START;
  const clock = { now: () => now };
  const store = await openTemporaryStore({ database, clock });
  const accounts = createAccounts({ store, clock });
  const accountId = await accounts.create({ name: 'Acme', discountBps: 0, tiers: [] });
  const key = (changes: Partial<NewKey> = {}): NewKey => ({
    accountId,
    kind: 'wholesale',
    name: 'main',
    capNanoUsd: null,
    expiresAt: null,
    requestsPerMinute: null,
    concurrency: null,
    allowedModels: null,
    allowedAddresses: null,
    tiers: [],
    ...changes,
  });
  return {
    store,
    accounts,
    accountId,
    key,
    keys: createKeys({ store, clock, pepper: PEPPER }),
    authenticate: createAuthenticate({ db: store.db, cache: null, clock, pepper: PEPPER, defaults: DEFAULTS }),
    clock,
    pass: (ms: number) => void (now += ms),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

const bearer = (key: string): Headers => new Headers({ authorization: `Bearer ${key}` });
const refused = { name: 'AppError', code: 'invalid_api_key' };

testOnEach('a key opens the door by either header, and brings its rights with it', async (database) => {
  await using access = await openAccess(database);
  const expiresAt = START + HOUR_MS;
  const { keyId, key } = await access.keys.create(
    access.key({ capNanoUsd: 5n, requestsPerMinute: 7, concurrency: 3, expiresAt }),
  );
  const caller: Omit<Caller, 'capGroupId'> = {
    accountId: access.accountId,
    keyId,
    kind: 'wholesale',
    name: 'main',
    capNanoUsd: 5n,
    allowedModels: null,
    allowedAddresses: null,
    requestsPerMinute: 7,
    concurrency: 3,
    expiresAt,
  };
  for (const headers of [
    bearer(key),
    new Headers({ 'x-api-key': key }),
    new Headers({ authorization: `bearer  ${key}`, 'x-api-key': key }),
    new Headers({ authorization: 'Basic abc', 'x-api-key': key }),
  ]) {
    const { capGroupId, ...found } = await access.authenticate(headers);
    assert.match(capGroupId, /^cap_/);
    assert.deepEqual(found, caller);
  }
});

testOnEach('a key that sets no limits has the operator’s defaults', async (database) => {
  await using access = await openAccess(database);
  const { key } = await access.keys.create(access.key());
  const caller = await access.authenticate(bearer(key));
  assert.deepEqual([caller.requestsPerMinute, caller.concurrency], [600, 32]);
});

testOnEach('no key, two different keys and wrong keys are told apart', async (database) => {
  await using access = await openAccess(database);
  const { key } = await access.keys.create(access.key());
  const missing = { code: 'missing_authorization' };
  await assert.rejects(access.authenticate(new Headers()), missing);
  await assert.rejects(access.authenticate(new Headers({ authorization: 'Basic abc' })), missing);
  await assert.rejects(access.authenticate(new Headers({ authorization: 'Bearer ' })), missing);
  const two = new Headers({ authorization: `Bearer ${key}`, 'x-api-key': newKeyText('wholesale').text });
  await assert.rejects(access.authenticate(two), { code: 'invalid_parameter', param: 'x-api-key' });
  await assert.rejects(access.authenticate(bearer('junk')), refused);
  await assert.rejects(access.authenticate(bearer(newKeyText('wholesale').text)), refused);
});

testOnEach('the public id of one key with the secret of another is refused', async (database) => {
  await using access = await openAccess(database);
  const [one, other] = [await access.keys.create(access.key()), await access.keys.create(access.key())];
  const body = one.key.slice(0, 17) + other.key.slice(17, -6);
  await assert.rejects(access.authenticate(bearer(body + toBase62(crc32(body), 6))), refused);
  for (const { key } of [one, other]) await access.authenticate(bearer(key));
});

testOnEach('a digest that was made with another pepper opens nothing', async (database) => {
  await using access = await openAccess(database);
  const { key } = await access.keys.create(access.key());
  const { store, clock } = access;
  const other = createAuthenticate({ db: store.db, cache: null, clock, pepper: 'another', defaults: DEFAULTS });
  await assert.rejects(other(bearer(key)), refused);
});

testOnEach('neither the key nor its secret is stored', async (database) => {
  await using access = await openAccess(database);
  const { key, keyId } = await access.keys.create(access.key());
  const row = await access.store.db.selectFrom('api_key').selectAll().executeTakeFirstOrThrow();
  const stored = JSON.stringify(row);
  assert.equal(stored.includes(key.split('_')[2]?.slice(0, 32) ?? ''), false);
  assert.deepEqual([row.key_id, row.last_four], [keyId, key.slice(-4)]);
});

testOnEach('a key stops at the instant at which it expires', async (database) => {
  await using access = await openAccess(database);
  const { key } = await access.keys.create(access.key({ expiresAt: START + HOUR_MS }));
  access.pass(HOUR_MS - 1);
  await access.authenticate(bearer(key));
  access.pass(1);
  await assert.rejects(access.authenticate(bearer(key)), refused);
});

testOnEach('a revoked key is refused from then on, and revoking it again changes nothing', async (database) => {
  await using access = await openAccess(database);
  const { keyId, key } = await access.keys.create(access.key());
  await access.keys.revoke(keyId);
  await assert.rejects(access.authenticate(bearer(key)), refused);
  access.pass(HOUR_MS);
  await access.keys.revoke(keyId);
  assert.equal((await access.keys.list(null))[0]?.revokedAt, START);
});

testOnEach(
  'after a rotation both keys work for the grace time, then only the new one, with the same rights',
  async (database) => {
    await using access = await openAccess(database);
    const end = START + 10 * HOUR_MS;
    const first = await access.keys.create(
      access.key({ kind: 'console', capNanoUsd: 9n, concurrency: 2, expiresAt: end }),
    );
    const second = await access.keys.rotate(first.keyId, HOUR_MS);
    assert.equal(second.oldKeyExpiresAt, START + HOUR_MS);
    const [before, after] = [
      await access.authenticate(bearer(first.key)),
      await access.authenticate(bearer(second.key)),
    ];
    assert.deepEqual(after, { ...before, keyId: second.keyId });
    const groups = await access.store.db.selectFrom('api_key').select('cap_group_id').distinct().execute();
    assert.equal(groups.length, 1, 'both count on one cap');
    access.pass(HOUR_MS);
    await assert.rejects(access.authenticate(bearer(first.key)), refused);
    await access.authenticate(bearer(second.key));
  },
);

testOnEach('a rotation without a grace time revokes the old key', async (database) => {
  await using access = await openAccess(database);
  const old = await access.keys.create(access.key());
  const { oldKeyExpiresAt } = await access.keys.rotate(old.keyId, 0);
  await assert.rejects(access.authenticate(bearer(old.key)), refused);
  assert.deepEqual(
    [oldKeyExpiresAt, (await access.keys.list(null)).filter((key) => key.revokedAt === START).length],
    [START, 1],
  );
});

testOnEach('a second rotation does not lengthen the grace time of the first', async (database) => {
  await using access = await openAccess(database);
  const { keyId } = await access.keys.create(access.key());
  await access.keys.rotate(keyId, HOUR_MS);
  assert.equal((await access.keys.rotate(keyId, 5 * HOUR_MS)).oldKeyExpiresAt, START + HOUR_MS);
});

testOnEach('a key that has ended cannot be rotated, and unknown ids are not found', async (database) => {
  await using access = await openAccess(database);
  const { keyId } = await access.keys.create(access.key());
  await access.keys.revoke(keyId);
  await assert.rejects(access.keys.rotate(keyId, HOUR_MS), { code: 'conflict' });
  await assert.rejects(access.keys.rotate('key_none', HOUR_MS), { code: 'not_found' });
  await assert.rejects(access.keys.revoke('key_none'), { code: 'not_found' });
  await assert.rejects(access.keys.create(access.key({ accountId: 'acc_none' })), { code: 'not_found' });
});

testOnEach(
  'lists show accounts and keys in the order of their making, and only one account’s where asked',
  async (database) => {
    await using access = await openAccess(database);
    access.pass(1);
    const other = await access.accounts.create({ name: 'Other', discountBps: 0, tiers: [] });
    const mine = await access.keys.create(access.key());
    access.pass(1);
    const theirs = await access.keys.create(access.key({ accountId: other }));
    assert.deepEqual(
      (await access.accounts.list()).map((account) => account.name),
      ['Acme', 'Other'],
    );
    const ids = async (accountId: string | null) => (await access.keys.list(accountId)).map((key) => key.keyId);
    assert.deepEqual(await ids(null), [mine.keyId, theirs.keyId]);
    assert.deepEqual(await ids(other), [theirs.keyId]);
  },
);

testOnEach('a console key may not do what needs a wholesale one', async (database) => {
  await using access = await openAccess(database);
  const [wholesale, console] = await Promise.all(
    (['wholesale', 'console'] as const).map(async (kind) =>
      access.authenticate(bearer((await access.keys.create(access.key({ kind }))).key)),
    ),
  );
  assert.ok(wholesale !== undefined && console !== undefined);
  requireWholesale(wholesale);
  assert.throws(() => requireWholesale(console), { code: 'wholesale_key_required' });
});

testOnEach('a key whose end has passed is neither made nor set', async (database) => {
  await using access = await openAccess(database);
  for (const expiresAt of [START, START - 1, 0]) {
    await assert.rejects(access.keys.create(access.key({ expiresAt })), {
      code: 'invalid_parameter',
      message: 'The end of a key must lie in the future. To end one at once, revoke it.',
    });
  }
  const { keyId } = await access.keys.create(access.key({ expiresAt: START + 1 }));
  await assert.rejects(access.keys.set(keyId, { expiresAt: START }), { code: 'invalid_parameter' });
});
