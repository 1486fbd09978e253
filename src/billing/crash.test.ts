import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { openStore } from '../store/store.ts';
import { createLeases } from './leases.ts';
import { openTemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

const ROUNDS = process.env['EARSHOT_TEST_FULL'] === undefined ? 10 : 200;

/** Runs a server on the database, kills it after so many settlements, and gives all that it acknowledged. */
async function runAndKill(path: string, keyId: string, settlements: number): Promise<Map<string, bigint>> {
  const server = fork(fileURLToPath(new URL('./crash-server.js', import.meta.url)), [path, keyId], { silent: true });
  assert.ok(server.stdout !== null);
  const exited = once(server, 'exit');
  const acknowledged = new Map<string, bigint>();
  for await (const line of createInterface({ input: server.stdout })) {
    const [requestId = '', cost = ''] = line.split(' ');
    acknowledged.set(requestId, BigInt(cost));
    if (acknowledged.size === settlements) server.kill('SIGKILL');
  }
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  return acknowledged;
}

test(`in ${ROUNDS} kills under load every acknowledged settlement is there once, and a restart releases every hold at once`, async () => {
  await using money = await openTemporaryLedger();
  const { keyId } = await money.newKey(null);
  const { path } = money.store;
  await money.store.close();
  const acknowledged = new Map<string, bigint>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [id, cost] of await runAndKill(path, keyId, 20 + 37 * (round % 10))) acknowledged.set(id, cost);
    await using store = await openStore({ path, role: 'server', clock: systemClock });
    await createLeases({ store, clock: systemClock, instanceId: `test_${round}`, log: silentLogger }).take();
    const { open_holds, differences } = await verifyLedger(store.db);
    assert.deepEqual([open_holds, differences], [0, []]);
    const settled = await store.db
      .selectFrom('transfer')
      .innerJoin('hold', 'hold.hold_id', 'transfer.hold_id')
      .select(['hold.request_id', 'transfer.amount_nano_usd'])
      .where('kind', '=', 'settle')
      .execute();
    const amounts = new Map(settled.map((row) => [row.request_id, row.amount_nano_usd]));
    assert.equal(amounts.size, settled.length, 'no request is settled twice');
    for (const [id, cost] of acknowledged) assert.equal(amounts.get(id), cost);
  }
});
