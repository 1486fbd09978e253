/** Two servers on one PostgreSQL: what one of them does, the other one knows. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { temporaryDatabase } from '../store/temporary-store.ts';
import type { RequestRow } from '../http/api/contract.ts';
import { listenAs, logInAs } from './dashboard-session.ts';
import { bodyOf, serveRecordings, startServer } from './running-server.ts';

test('keys, limits, money and revocations are the same on every server of one PostgreSQL, and its password stays secret', async () => {
  await using database = await temporaryDatabase('postgres');
  await using recordings = await serveRecordings();
  const environment = {
    DATABASE_URL: database.url,
    EARSHOT_KEY_PEPPER: randomBytes(32).toString('hex'),
    EARSHOT_FETCH_ALLOW: recordings.hostAndPort,
  };
  // Both start on an empty database at once, and one of them makes its tables.
  const servers = await Promise.all([startServer({ environment }), startServer({ environment })]);
  await using first = servers[0];
  await using second = servers[1];
  const { key } = await first.createKey('--rpm', '3');
  const call = recordings.url('go-forward.wav');
  await using page = await listenAs(first, await logInAs(first, 'operator'));
  await page.next('engines');

  const replies = [await first.run(key, call), await second.run(key, call), await first.run(key, call)];
  assert.deepEqual(
    replies.map((reply) => [reply.status, reply.headers.get('x-ratelimit-remaining-requests')]),
    [
      [200, '2'],
      [200, '1'],
      [200, '0'],
    ],
  );
  const limited = await second.run(key, call);
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers.get('retry-after')) > 50);

  const answered = await Promise.all(replies.map((reply) => bodyOf<{ id: string; cost_usd: string }>(reply)));
  const unheard = new Set(answered.map(({ id }) => id));
  while (unheard.size > 0) {
    const row = await page.next<RequestRow>('request');
    if (unheard.delete(row.request_id)) assert.ok((row.took_ms ?? 0) > 0, 'a call is told with its times');
  }
  const spent = answered.reduce((sum, { cost_usd: cost }) => sum + Math.round(Number(cost) * 1e9), 0);
  for (const server of [first, second]) {
    const status = await server.keyStatus(key);
    assert.equal(Math.round(Number(status.spent_usd) * 1e9), spent);
    assert.equal(status.held_usd, '0');
    assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
  }
  const { balanced, transactions, open_holds: openHolds } = await second.verify();
  assert.deepEqual([balanced, transactions, openHolds], [true, 6, 0]);

  // A server may hear of a change an instant later. The hold does not miss it; the limit of a key that has one speaks first.
  const unlimited = await first.createKey();
  for (const server of [first, second]) assert.equal((await server.run(unlimited.key, call)).status, 200);
  assert.equal((await first.earshot('key', 'revoke', unlimited.key_id)).code, 0);
  for (const server of [first, second]) assert.equal((await server.run(unlimited.key, call)).status, 401);

  const { password } = new URL(database.url);
  const doctor = await first.earshot('doctor');
  assert.ok(password.length > 0 && doctor.stdout.includes('postgres://'));
  for (const text of [first.log(), second.log(), doctor.stdout, doctor.stderr]) {
    assert.equal(text.includes(password), false);
  }
});
