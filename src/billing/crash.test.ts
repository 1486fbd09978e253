import assert from 'node:assert/strict';
import { fork, spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { assertNothingLost, CRASH_SERVER, untilKilled } from './crash-check.ts';
import { openTemporaryLedger } from './temporary-ledger.ts';

const FULL = process.env['EARSHOT_TEST_FULL'] !== undefined;
const ROUNDS = FULL ? 200 : 10;
/** The moments at which a server is killed: while it waits for the first, second … write to reach the disk. */
const FSYNCS = FULL ? Array.from({ length: 150 }, (_, index) => index + 1) : [1, 2, 5, 13, 34];

/** A database that no server has open, and a key to call with. */
async function closedLedger() {
  const money = await openTemporaryLedger('sqlite');
  const { keyId } = await money.newKey(null);
  await money.store.close();
  return { url: money.store.url, keyId, [Symbol.asyncDispose]: () => money[Symbol.asyncDispose]() };
}

test(`in ${ROUNDS} kills under load every acknowledged settlement is there once, and a restart releases every hold at once`, async () => {
  await using ledger = await closedLedger();
  const { url, keyId } = ledger;
  const acknowledged = new Map<string, bigint>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = fork(CRASH_SERVER, [url, keyId], { silent: true });
    const settlementsMax = 20 + 37 * (round % 10);
    const more = await untilKilled(server, (settlements) => settlements === settlementsMax && server.kill('SIGKILL'));
    for (const [requestId, cost] of more) acknowledged.set(requestId, cost);
    await assertNothingLost(url, acknowledged);
  }
});

test(`a server that is killed at one of ${FSYNCS.length} fsyncs has lost nothing that it acknowledged`, async (context) => {
  const { status, error } = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true']);
  if (status !== 0) return context.skip(`strace cannot be used here: ${error?.message ?? 'it may not trace'}`);
  await using ledger = await closedLedger();
  const { url, keyId } = ledger;
  const acknowledged = new Map<string, bigint>();
  for (const fsync of FSYNCS) {
    const inject = `inject=fsync,fdatasync:signal=KILL:when=${fsync}`;
    const strace = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', inject];
    const server = spawn('strace', [...strace, process.execPath, CRASH_SERVER, url, keyId]);
    for (const [requestId, cost] of await untilKilled(server)) acknowledged.set(requestId, cost);
    await assertNothingLost(url, acknowledged);
  }
  assert.ok(acknowledged.size > 0, 'the later kills came after settlements');
});
