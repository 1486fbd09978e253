/**
 * For tests: a server process of its own on the database at the address of its first argument, which calls with the key of
 * its second. It first tells the id of its lease. Told `hold N`, it makes N holds of 11 nano-USD at once and answers with how many it got and why not; told
 * `end`, it settles half of them at 1 nano-USD each, voids the rest, and answers with how many it settled.
 */
import { systemClock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { openStore } from '../store/store.ts';
import { createLeases } from './leases.ts';
import { createLedger, type Hold } from './ledger.ts';
import { callOf, meteredAt } from './temporary-ledger.ts';

const AMOUNT = 11n;

const [url = '', keyId = ''] = process.argv.slice(2);
const instanceId = newId('ins');
const store = await openStore({ url, role: 'server', clock: systemClock });
await createLeases({ store, clock: systemClock, instanceId, log: silentLogger }).take();
const ledger = createLedger({ store, clock: systemClock, instanceId, log: silentLogger });
const holds: Hold[] = [];

process.on('message', (order: string) => {
  const [verb, count] = order.split(' ');
  void (verb === 'hold' ? hold(Number(count)) : end()).then((answer) => process.send?.(answer));
});
process.once('disconnect', () => void store.close());
process.send?.(instanceId);

async function hold(count: number) {
  const tries = await Promise.allSettled(Array.from({ length: count }, () => ledger.hold(callOf(keyId), AMOUNT)));
  const refusals = new Set<string>();
  for (const end of tries) {
    if (end.status === 'fulfilled') holds.push(end.value);
    else refusals.add(String((end.reason as { code?: string }).code));
  }
  return { held: holds.length, refusals: [...refusals] };
}

async function end() {
  const settled = holds.filter((_, index) => index % 2 === 0);
  await Promise.all(
    holds.map((one, index) => (index % 2 === 0 ? ledger.settle(one, meteredAt(1n)) : ledger.void(one, 'test'))),
  );
  return { settled: settled.length };
}
