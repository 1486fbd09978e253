/**
 * For tests: a process that holds, settles and voids on the database at the address of its first argument, with the key of
 * its second, until it is killed. It writes a line `REQUEST_ID COST` for each settlement once that is acknowledged.
 */
import { systemClock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { openStore } from '../store/store.ts';
import { createLeases } from './leases.ts';
import { createLedger } from './ledger.ts';
import { callOf, meteredAt } from './temporary-ledger.ts';

const CALLERS = 16;
/** A test that forgets to kill it fails instead of waiting for ever. */
const CALLS_MAX = 5_000;

const [url = '', keyId = ''] = process.argv.slice(2);
const instanceId = newId('ins');
const store = await openStore({ url, role: 'server', clock: systemClock });
await createLeases({ store, clock: systemClock, instanceId, log: silentLogger }).take();
const ledger = createLedger({ store, clock: systemClock, instanceId, log: silentLogger });

async function callOn(costNanoUsd: bigint): Promise<void> {
  for (let calls = 0; calls < CALLS_MAX; calls += 1) {
    const call = callOf(keyId);
    await using hold = await ledger.hold(call, 100n);
    if (costNanoUsd % 3n === 0n) continue;
    await ledger.settle(hold, meteredAt(costNanoUsd));
    process.stdout.write(`${call.requestId} ${costNanoUsd}\n`);
  }
}

await Promise.all(Array.from({ length: CALLERS }, (_, index) => callOn(BigInt(index + 1))));
process.exit(1);
