/** Webhooks, on each database: signed, tried again over a day, guarded like audio, and never held up by somebody else's receiver. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { setUp, type TestPlaces } from '../audio/fetch/test-network.ts';
import { serveHttp } from '../audio/fetch/test-server.ts';
import { silentLogger } from '../core/log.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { RETRY_MS, type AttemptEnd, type Deliveries } from './deliveries.ts';
import { startWebhookSender } from './send-webhooks.ts';
import { deferredCall, openTemporaryJobs, START, type TemporaryJobs } from './temporary-jobs.ts';
import { createWebhookSecrets, ROTATION_MS } from './webhook-secrets.ts';
import { signatureHeaders } from './webhook-signature.ts';

const PUBLIC = '93.184.215.14';
const HOUR_MS = 3_600_000;

/** An ended job of the account, which owes a webhook. */
async function owe(temporary: TemporaryJobs, account: { accountId: string; keyId: string }, url: string) {
  let jobId = '';
  await temporary.jobs.add(deferredCall(account, url), (id) => (jobId = id));
  await temporary.jobs.cancel(account.accountId, jobId);
  return jobId;
}

/** A sender in a network of the test's own; `tried` resolves with what the next `count` tries came to. */
async function startSender(temporary: TemporaryJobs, places: TestPlaces, totalMs = 20_000) {
  const process = await temporary.newProcess();
  const { guardedFetch, network } = setUp({ ...places, limits: { totalMs } });
  const outcomes: string[] = [];
  let told = (): void => {};
  const sender = startWebhookSender({
    deliveries: process.deliveries,
    secrets: temporary.secrets,
    fetch: guardedFetch,
    clock: temporary.clock,
    log: silentLogger,
    onTry(outcome) {
      outcomes.push(outcome);
      told();
    },
    pollMs: 20,
  });
  return {
    ...process,
    ...sender,
    network,
    async tried(count: number): Promise<readonly string[]> {
      while (outcomes.length < count) await new Promise<void>((resolve) => (told = resolve));
      return outcomes;
    },
  };
}

async function attempts(deliveries: Deliveries) {
  const [entry] = await deliveries.list(null, 1);
  assert.ok(entry !== undefined);
  return entry;
}

testOnEach(
  'each try is signed anew and has the same id; what is no 2xx is tried again over a day, and then given up',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    const account = await temporary.newAccount();
    const seen: { id: string; at: number }[] = [];
    const { secret } = await temporary.secrets.show(account.accountId);
    const webhook = new Webhook(secret);
    await using server = await serveHttp((request, response) => {
      void text(request).then((body) => {
        const headers = request.headers as Record<string, string>;
        const [id = '', timestamp = ''] = [headers['webhook-id'], headers['webhook-timestamp']];
        // The library's own check of the time is for its own clock; the test's clock is another.
        assert.ok(
          headers['webhook-signature']
            ?.split(' ')
            .includes(webhook.sign(id, new Date(Number(timestamp) * 1_000), body)),
        );
        seen.push({ id, at: Number(timestamp) * 1_000 });
        response.writeHead(500).end();
      });
    });
    await owe(temporary, account, `http://${PUBLIC}/hook`);
    await using sender = await startSender(temporary, { servers: { [`${PUBLIC}:80`]: server.port } });
    for (const [index, delayMs] of RETRY_MS.entries()) {
      await sender.tried(index + 1);
      const { delivery } = await attempts(sender.deliveries);
      assert.deepEqual([delivery.state, delivery.next_at], ['pending', temporary.clock.now() + delayMs]);
      temporary.pass(delayMs);
    }
    await sender.tried(RETRY_MS.length + 1);
    const entry = await attempts(sender.deliveries);
    assert.deepEqual([entry.delivery.state, entry.delivery.instance_id], ['failed', null]);
    assert.deepEqual(
      entry.attempts.map(({ status }) => status),
      seen.map(() => 500),
    );
    assert.deepEqual(
      entry.attempts.map(({ started_at: at }) => at),
      seen.map(({ at }) => at),
    );
    assert.equal(new Set(seen.map(({ id }) => id)).size, 1);
    const dayMs = (seen.at(-1)?.at ?? 0) - START;
    assert.ok(dayMs > 23 * HOUR_MS && dayMs < 25 * HOUR_MS, String(dayMs));
    assert.equal(seen[0]?.id, entry.delivery.delivery_id);
    await sender.deliveries.replay(entry.delivery.delivery_id);
    await sender.tried(RETRY_MS.length + 2);
    assert.equal((await attempts(sender.deliveries)).delivery.state, 'pending');
  },
);

testOnEach(
  'a receiver that redirects, that moved to a private address, or that is gone is not reached',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    const account = await temporary.newAccount();
    await using redirecting = await serveHttp((_, response) =>
      response.writeHead(307, { location: 'http://10.0.0.1/' }).end(),
    );
    await using internal = await serveHttp((_, response) => response.end());
    const servers = { [`${PUBLIC}:80`]: redirecting.port, '10.0.0.1:80': internal.port, '127.0.0.1:80': internal.port };
    const names = { 'private.example.com': ['10.0.0.1'], 'mixed.example.com': [PUBLIC, '127.0.0.1'] };
    for (const host of [PUBLIC, 'private.example.com', 'mixed.example.com', 'gone.example.com']) {
      await owe(temporary, account, `http://${host}/hook`);
    }
    await using sender = await startSender(temporary, { names, servers });
    await sender.tried(4);
    const ends = (await sender.deliveries.list(null, 10)).map(({ attempts: tries }) =>
      tries.map(({ status, failure }) => status ?? failure),
    );
    assert.deepEqual(ends.flat().map(String).toSorted(), ['307', 'failed', 'url_not_allowed', 'url_not_allowed']);
    assert.deepEqual(sender.network.connections, [`${PUBLIC}:80`]);
    assert.equal(internal.connectionCount, 0);
  },
);

testOnEach(
  'a slow receiver holds up the webhooks of its own account only, and its time is limited',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    const [slow, quick] = [await temporary.newAccount(), await temporary.newAccount()];
    const waiting: ServerResponse[] = [];
    await using server = await serveHttp((request, response) => {
      if (request.url === '/slow') waiting.push(response);
      else response.writeHead(204).end();
    });
    for (let owed = 0; owed < 30; owed += 1) await owe(temporary, slow, `http://${PUBLIC}/slow`);
    await owe(temporary, quick, `http://${PUBLIC}/quick`);
    await using sender = await startSender(temporary, { servers: { [`${PUBLIC}:80`]: server.port } }, 2_000);
    assert.equal((await sender.tried(1))[0], 'delivered');
    assert.ok(waiting.length <= 4, `${waiting.length} at a time`);
    assert.equal((await sender.tried(2))[1], 'failed');
    const late = (await sender.deliveries.list(slow.accountId, 100)).flatMap(({ attempts: tries }) => tries);
    assert.equal(late[0]?.failure, 'timeout');
  },
);

testOnEach(
  'the delivery of a process that died is sent by another with the same id; of two, one claims it',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    await owe(temporary, await temporary.newAccount(), `http://${PUBLIC}/`);
    const processes = [await temporary.newProcess(), await temporary.newProcess()] as const;
    const both = await Promise.all(processes.map(({ deliveries }) => deliveries.claim([])));
    const winner = both.findIndex((claim) => claim !== null);
    assert.equal(both.filter((claim) => claim !== null).length, 1);
    const [dead, living] = winner === 0 ? processes : processes.toReversed();
    const first = both[winner];
    assert.ok(dead !== undefined && living !== undefined && first !== null && first !== undefined);
    await living.deliveries.recover(new Set());
    assert.equal(await living.deliveries.claim([]), null);
    await dead.dies();
    await living.deliveries.recover(new Set());
    const second = await living.deliveries.claim([]);
    assert.equal(second?.deliveryId, first.deliveryId);
    const end: AttemptEnd = { startedAt: START, durationMs: 1, status: 200, failure: null };
    await dead.deliveries.record(first, { ...end, status: 500 });
    assert.equal((await attempts(living.deliveries)).delivery.instance_id, living.instanceId);
    assert.equal(await living.deliveries.record(second, end), 'delivered');
    assert.equal(await living.deliveries.claim([]), null);
  },
);

testOnEach(
  'a secret is shown once; after a rotation both sign for a day; in the database it is sealed to its account',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    const { secrets, db, clock, store } = temporary;
    const [{ accountId }, other] = [await temporary.newAccount(), await temporary.newAccount()];
    const made = await Promise.all(Array.from({ length: 5 }, () => secrets.keysOf(accountId)));
    assert.equal(new Set(made.map(([key]) => key?.toString('hex'))).size, 1, 'one first secret, however many need it');
    const first = await secrets.show(accountId);
    assert.equal(first.secret, `whsec_${made[0]?.[0]?.toString('base64')}`);
    await assert.rejects(secrets.show(accountId), { code: 'conflict' });
    await assert.rejects(secrets.show('acc_none'), { code: 'not_found' });
    const second = await secrets.rotate(accountId);
    assert.equal(second.oldSecretExpiresAt, clock.now() + ROTATION_MS);
    const body = '{"job_id":"job_1"}';
    const sentAt = Date.now();
    const headers = async (): Promise<Record<string, string>> =>
      signatureHeaders({ id: 'dlv_1', sentAt, body }, await secrets.keysOf(accountId));
    for (const { secret } of [first, second]) new Webhook(secret).verify(body, await headers());
    assert.throws(() =>
      new Webhook(first.secret).verify(`${body} `, signatureHeaders({ id: 'dlv_1', sentAt, body }, made[0] ?? [])),
    );
    temporary.pass(ROTATION_MS);
    const late = await headers();
    new Webhook(second.secret).verify(body, late);
    assert.throws(() => new Webhook(first.secret).verify(body, late));
    const rows = await db.selectFrom('webhook_secret').selectAll().where('account_id', '=', accountId).execute();
    for (const { sealed } of rows) assert.equal(sealed.includes(first.secret.slice(6, 20)), false);
    const stolen = createWebhookSecrets({ store, clock, pepper: 'another pepper' });
    await assert.rejects(stolen.keysOf(accountId));
    await db
      .updateTable('webhook_secret')
      .set({ account_id: other.accountId })
      .where('account_id', '=', accountId)
      .execute();
    await assert.rejects(secrets.keysOf(other.accountId));
  },
);
