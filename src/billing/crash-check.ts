/** For tests: what must be true of a ledger whose server was killed. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { openStore } from '../store/store.ts';
import { createLeases } from './leases.ts';
import { verifyLedger } from './verify.ts';

/** What a server acknowledged: the cost of each settled request. */
export type Acknowledged = ReadonlyMap<string, bigint>;

export const CRASH_SERVER = fileURLToPath(new URL('./crash-server.js', import.meta.url));

/**
 * Reads what a crash server acknowledges until it is killed.
 * @param onSettled told of the count after each.
 */
export async function untilKilled(
  server: ChildProcess,
  onSettled: (settlements: number) => void = () => {},
): Promise<Acknowledged> {
  assert.ok(server.stdout !== null);
  const exited = once(server, 'exit');
  const acknowledged = new Map<string, bigint>();
  for await (const line of createInterface({ input: server.stdout })) {
    const [requestId = '', cost = ''] = line.split(' ');
    acknowledged.set(requestId, BigInt(cost));
    onSettled(acknowledged.size);
  }
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  return acknowledged;
}

/** Opens the database as the next server does, and compares it with what the killed ones acknowledged. */
export async function assertNothingLost(url: string, acknowledged: Acknowledged): Promise<void> {
  await using store = await openStore({ url, role: 'server', clock: systemClock });
  await createLeases({ store, clock: systemClock, instanceId: newId('ins'), log: silentLogger }).take();
  const { open_holds: openHolds, differences } = await verifyLedger(store.db);
  assert.deepEqual([openHolds, differences], [0, []]);
  const settled = await store.db
    .selectFrom('transfer')
    .innerJoin('hold', 'hold.hold_id', 'transfer.hold_id')
    .select(['hold.request_id', 'transfer.amount_nano_usd'])
    .where('kind', '=', 'settle')
    .execute();
  const amounts = new Map(settled.map((row) => [row.request_id, row.amount_nano_usd]));
  assert.equal(amounts.size, settled.length, 'no request is settled twice');
  for (const [requestId, cost] of acknowledged) assert.equal(amounts.get(requestId), cost);
}
