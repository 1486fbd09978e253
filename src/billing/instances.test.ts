/** Several server processes on one PostgreSQL. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { createLeases } from './leases.ts';
import { openTemporaryLedger } from './temporary-ledger.ts';
import { verifyLedger } from './verify.ts';

const PROCESSES = 3;

async function ask<T>(server: ChildProcess, order: string): Promise<T> {
  server.send(order);
  return (await once(server, 'message'))[0] as T;
}

async function startServers(url: string, keyId: string) {
  const program = fileURLToPath(new URL('./calling-process.js', import.meta.url));
  const servers = Array.from({ length: PROCESSES }, () => fork(program, [url, keyId]));
  const instanceIds = await Promise.all(servers.map(async (server) => String((await once(server, 'message'))[0])));
  return {
    servers,
    instanceIds,
    async [Symbol.asyncDispose]() {
      await Promise.all(
        servers
          .filter((server) => server.connected)
          .map((server) => {
            const gone = once(server, 'exit');
            server.disconnect();
            return gone;
          }),
      );
    },
  };
}

test('of 200 parallel calls from three processes on a cap for exactly 37, exactly 37 are held, and then a call fits again', async () => {
  await using money = await openTemporaryLedger('postgres');
  const key = await money.newKey(37n * 11n);
  await using started = await startServers(money.store.url, key.keyId);
  const { servers } = started;
  const answers = await Promise.all(
    [67, 67, 66].map((count, index) => {
      const server = servers[index];
      assert.ok(server !== undefined);
      return ask<{ held: number; refusals: string[] }>(server, `hold ${count}`);
    }),
  );
  const held = answers.reduce((sum, answer) => sum + answer.held, 0);
  assert.equal(held, 37);
  assert.deepEqual([...new Set(answers.flatMap(({ refusals }) => refusals))], ['monthly_cap_reached']);
  const ends = await Promise.all(servers.map((server) => ask<{ settled: number }>(server, 'end')));
  const settled = BigInt(ends.reduce((sum, end) => sum + end.settled, 0));
  const balance = await money.db
    .selectFrom('cap_balance')
    .select(['settled_nano_usd', 'held_nano_usd'])
    .where('cap_group_id', '=', key.capGroupId)
    .executeTakeFirst();
  assert.deepEqual(balance, { settled_nano_usd: settled, held_nano_usd: 0n });
  const { balanced, open_holds: openHolds } = await verifyLedger(money.db);
  assert.deepEqual([balanced, openHolds], [true, 0]);
  const last = servers[0];
  assert.ok(last !== undefined);
  assert.equal((await ask<{ held: number }>(last, 'hold 1')).held, (answers[0]?.held ?? 0) + 1);
});

test('of several live processes only the holds of one that was killed are voided, once its lease has run out', async () => {
  await using money = await openTemporaryLedger('postgres');
  const key = await money.newKey(null);
  await using started = await startServers(money.store.url, key.keyId);
  const [dead, ...living] = started.servers;
  assert.ok(dead !== undefined);
  for (const server of started.servers) assert.equal((await ask<{ held: number }>(server, 'hold 5')).held, 5);
  const gone = once(dead, 'exit');
  dead.kill('SIGKILL');
  await gone;
  // Time passes for the dead one only: the others would renew their leases meanwhile.
  await money.db
    .updateTable('instance')
    .set({ lease_until: 0 })
    .where('instance_id', '=', started.instanceIds[0] ?? '')
    .execute();
  const other = createLeases({ store: money.store, clock: systemClock, instanceId: 'server_9', log: silentLogger });
  await other.take();
  const { open_holds: openHolds } = await verifyLedger(money.db);
  assert.equal(openHolds, 10);
  for (const server of living) assert.equal((await ask<{ settled: number }>(server, 'end')).settled, 3);
  assert.equal((await verifyLedger(money.db)).balanced, true);
});
