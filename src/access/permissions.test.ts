/** What a key's options allow, from the words of the operator to the refusal of a call. */
import assert from 'node:assert/strict';
import { parseTiers } from '../core/tiers.ts';
import { openTemporaryStore, type DatabaseName } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createAccounts } from './accounts.ts';
import { createAuthenticate, requireAddress, requireModel } from './authenticate.ts';
import { createKeys, type NewKey } from './keys.ts';

const PEPPER = 'a pepper for tests';

async function open(database: DatabaseName) {
  let now = Date.UTC(2026, 6, 1);
  const clock = { now: () => now };
  const store = await openTemporaryStore({ database, clock });
  const accounts = createAccounts({ store, clock });
  const accountId = await accounts.create({ name: 'Acme', discountBps: 100, tiers: [] });
  const newKey: NewKey = {
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
  };
  const keys = createKeys({ store, clock, pepper: PEPPER });
  const { keyId, key } = await keys.create(newKey);
  const defaults = { requestsPerMinute: 600, concurrency: 32 };
  const authenticate = createAuthenticate({ db: store.db, cache: null, clock, pepper: PEPPER, defaults });
  return {
    store,
    accounts,
    accountId,
    keys,
    keyId,
    caller: (text = key) => authenticate(new Headers({ 'x-api-key': text })),
    pass: (ms: number) => void (now += ms),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

testOnEach(
  'a key without limits may use every model from every address; with them it may use those only',
  async (database) => {
    await using access = await open(database);
    const free = await access.caller();
    requireModel(free, 'anything');
    requireAddress(free, '192.0.2.1');
    await access.keys.set(access.keyId, { allowedModels: ['a/b'], allowedAddresses: ['10.0.0.0/8', '2001:db8::/32'] });
    const bound = await access.caller();
    requireModel(bound, 'a/b');
    assert.throws(() => requireModel(bound, 'a/c'), { code: 'model_not_allowed', status: 403, param: 'model' });
    for (const address of ['10.1.2.3', '2001:db8::5']) requireAddress(bound, address);
    for (const address of ['11.1.2.3', '2001:db9::5', '']) {
      assert.throws(() => requireAddress(bound, address), { code: 'ip_not_allowed', status: 403 });
    }
  },
);

testOnEach('every option of a key can be changed and taken back, alone, and rotation keeps them', async (database) => {
  await using access = await open(database);
  const expiresAt = Date.UTC(2030, 0, 1);
  const tiers = parseTiers('1000:500') ?? [];
  const all = {
    name: 'n',
    capNanoUsd: 5n,
    expiresAt,
    requestsPerMinute: 7,
    concurrency: 3,
    allowedModels: ['m'],
    allowedAddresses: ['::1'],
    tiers,
  };
  for (const [option, value] of Object.entries(all)) {
    await access.keys.set(access.keyId, { [option]: value });
    const [key] = await access.keys.list(access.accountId);
    assert.deepEqual(key?.[option as keyof typeof all], value, option);
  }
  const { keyId } = await access.keys.rotate(access.keyId, 0);
  const successor = (await access.keys.list(access.accountId)).find((key) => key.keyId === keyId);
  assert.ok(successor !== undefined);
  for (const [option, value] of Object.entries(all))
    assert.deepEqual(successor[option as keyof typeof all], value, option);
  await access.keys.set(keyId, {
    capNanoUsd: null,
    expiresAt: null,
    allowedModels: null,
    allowedAddresses: null,
    tiers: [],
  });
  const cleared = (await access.keys.list(access.accountId)).find((key) => key.keyId === keyId);
  assert.deepEqual(
    [cleared?.capNanoUsd, cleared?.expiresAt, cleared?.allowedModels, cleared?.tiers],
    [null, null, null, []],
  );
  await assert.rejects(access.keys.set('key_none', { name: 'x' }), { code: 'not_found' });
});

testOnEach(
  'each change of an account’s discounts is a new version, and a tier below the discount is refused',
  async (database) => {
    await using access = await open(database);
    const tiers = parseTiers('1000:500,10000:1200') ?? [];
    await access.accounts.set(access.accountId, { tiers });
    await access.accounts.set(access.accountId, { name: 'New' });
    await assert.rejects(access.accounts.set(access.accountId, { discountBps: 501 }), { code: 'invalid_parameter' });
    const [account] = await access.accounts.list();
    assert.deepEqual(
      [account?.name, account?.contractVersion, account?.discountBps, account?.tiers],
      ['New', 2, 100, tiers],
    );
    const versions = await access.store.db
      .selectFrom('contract')
      .select(['version', 'discount_bps', 'tiers'])
      .orderBy('version')
      .execute();
    assert.deepEqual(versions, [
      { version: 1, discount_bps: 100, tiers: '' },
      { version: 2, discount_bps: 100, tiers: '1000:500,10000:1200' },
    ]);
    await assert.rejects(access.store.db.updateTable('contract').set({ discount_bps: 0 }).execute(), /never changed/);
    await assert.rejects(access.accounts.set('acc_none', { name: 'x' }), { code: 'not_found' });
  },
);
