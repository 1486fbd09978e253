import assert from 'node:assert/strict';
import { openTemporaryStore } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { createAccounts } from './accounts.ts';

const START = Date.UTC(2026, 6, 1);
const DAY_MS = 86_400_000;

testOnEach('a contract is agreed from a date on that has not passed, and holds from then', async (database) => {
  let now = START;
  const clock = { now: () => now };
  await using store = await openTemporaryStore({ database, clock });
  const accounts = createAccounts({ store, clock });
  const id = await accounts.create({ name: 'Acme', discountBps: 0, tiers: [] });
  const none = { tiers: [] };
  const agreed = await accounts.agree(id, { ...none, discountBps: 500 }, START + DAY_MS);
  assert.deepEqual(agreed, { tiers: [], discountBps: 500, version: 1, validFrom: START + DAY_MS });
  assert.equal((await accounts.list())[0]?.discountBps, 0);
  await assert.rejects(accounts.agree(id, { ...none, discountBps: 1 }, START - 1), { code: 'invalid_parameter' });
  await assert.rejects(accounts.agree('acc_none', { ...none, discountBps: 1 }, null), { code: 'not_found' });
  now += DAY_MS;
  assert.equal((await accounts.list())[0]?.discountBps, 500);
  await accounts.set(id, { discountBps: 700 });
  assert.deepEqual(
    (await accounts.list()).map(({ discountBps, contractVersion }) => [discountBps, contractVersion]),
    [[700, 2]],
  );
});
