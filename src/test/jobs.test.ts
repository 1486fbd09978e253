/** Calls that are answered later, through the real server: made, polled, listed, canceled, failed, told of by webhook. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { ask, eventually, findJob, jobWith, makeJob, type ErrorAnswer, type JobBody } from './job-calls.ts';
import {
  bodyOf,
  FIXTURES,
  oneOfEachWith,
  serveRecordings,
  startServer,
  type RecordingServer,
  type RunningServer,
} from './running-server.ts';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.ts';

let files: RecordingServer;
let receiver: WebhookReceiver;
let server: RunningServer;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'earshot-jobs-'));
  await writeFile(join(folder, 'config.json'), oneOfEachWith({ jobs: 1, account_jobs: 8, decoders: 2 }));
  files = await serveRecordings();
  receiver = await receiveWebhooks();
  server = await startServer({
    environment: {
      EARSHOT_FETCH_ALLOW: `${files.hostAndPort},${receiver.hostAndPort}`,
      EARSHOT_CONFIG: join(folder, 'config.json'),
    },
  });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A source that sends nothing until it is told to; the job on it runs meanwhile. */
function heldSource(name: string) {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let closed = (): void => {};
  const left = new Promise<void>((resolve) => (closed = resolve));
  const url = files.serve(name, (_, response) => {
    response.once('close', closed);
    void released.then(() => files.send('go-forward.wav', response));
  });
  return { url, release, left };
}

test('a call with async is answered 202 at once, and its job completes with the reply of a call that waits', async () => {
  const { key } = await server.createKey();
  const response = await server.run(key, files.url('go-forward.wav'), { async: true, request_id: 'my-label' });
  const accepted = await bodyOf<Record<string, string>>(response);
  assert.equal(response.status, 202);
  const jobId = accepted['job_id'] ?? '';
  assert.deepEqual(accepted, {
    status: 'accepted',
    job_id: jobId,
    poll_url: `${server.url}/v1/jobs/${jobId}`,
    model: 'glm/glm-asr-2512',
  });
  assert.ok(Number(response.headers.get('x-ratelimit-remaining-requests')) > 0);
  const job = await jobWith(server, key, jobId, 'completed', 'failed');
  const waited = await bodyOf<Record<string, unknown>>(
    await server.run(key, files.url('go-forward.wav'), { request_id: 'my-label' }),
  );
  assert.deepEqual({ ...job.result, id: '' }, { ...waited, id: '' });
  assert.deepEqual([job.status, job.model, job.error], ['completed', 'glm/glm-asr-2512', null]);
  assert.ok(Date.parse(job.created_at) <= Date.parse(job.completed_at ?? ''));
  const explained = await server.earshot('ledger', 'explain', job.result?.id ?? '', '--json');
  assert.equal(JSON.parse(explained.stdout).charged_usd, job.result?.cost_usd);
  const { spent_usd: spent, held_usd: held } = await server.keyStatus(key);
  assert.deepEqual([Number(spent).toFixed(9), held], [(2 * Number(job.result?.cost_usd)).toFixed(9), '0']);
});

test('a job may carry its audio itself', async () => {
  const { key } = await server.createKey();
  const audio = `data:audio/wav;base64,${readFileSync(join(FIXTURES, 'go-forward.wav')).toString('base64')}`;
  const job = await jobWith(server, key, await makeJob(server, key, audio), 'completed', 'failed');
  assert.match(job.result?.text ?? '', /forward/i);
});

test('what can be refused at once is refused at once, with the answer of a call that waits', async () => {
  const { key } = await server.createKey('--models', 'glm/glm-asr-2512');
  const good = files.url('go-forward.wav');
  const cases: [string, Record<string, unknown>, number, string, string | null][] = [
    [good, { model: 'moonshine/tiny' }, 403, 'model_not_allowed', 'model'],
    ['http://10.0.0.1/a.wav', {}, 400, 'audio_url_not_allowed', 'inputs.audio'],
    ['nonsense', {}, 400, 'audio_url_invalid', 'inputs.audio'],
    ['data:audio/wav;base64,!', {}, 400, 'audio_url_invalid', 'inputs.audio'],
    [good, { webhook_url: receiver.url(), async: false }, 400, 'invalid_parameter', 'webhook_url'],
    [good, { async: 'yes' }, 400, 'invalid_parameter', 'async'],
  ];
  const hostile = [
    'nonsense',
    'file:///etc/passwd',
    'http://127.0.0.1:1/',
    'http://169.254.169.254/',
    'http://[::1]/',
    'http://localhost/',
    'https://u:p@example.com/',
    'data:text/plain,x',
    `https://example.com/${'a'.repeat(2_048)}`,
  ];
  for (const url of hostile) cases.push([good, { webhook_url: url }, 400, 'invalid_parameter', 'webhook_url']);
  for (const [audio, more, status, code, param] of cases) {
    const response = await server.run(key, audio, { async: true, ...more });
    const { error } = await bodyOf<ErrorAnswer>(response);
    assert.deepEqual([response.status, error.code, error.param], [status, code, param], JSON.stringify(more));
  }
  const { key: free } = await server.createKey();
  const unknown = await server.run(free, good, { async: true, model: 'no/model' });
  assert.equal(unknown.status, 404);
  assert.deepEqual(await bodyOf(await ask(server, key, '/v1/jobs')), { data: [], has_more: false });
});

test('with an Idempotency-Key there is one job, and its very reply is given again', async () => {
  const { key } = await server.createKey();
  const post = (prompt: string): Promise<Response> =>
    fetch(`${server.url}/v1/run`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json', 'idempotency-key': 'once' },
      body: JSON.stringify({
        model: 'glm/glm-asr-2512',
        inputs: { audio: files.url('go-forward.wav'), prompt },
        async: true,
      }),
    });
  const replies = await Promise.all(Array.from({ length: 8 }, () => post('a')));
  const accepted = replies.filter(({ status }) => status === 202);
  const bodies = new Set(await Promise.all(accepted.map((reply) => reply.text())));
  assert.ok(replies.every(({ status }) => status === 202 || status === 409));
  assert.equal(bodies.size, 1);
  const again = await post('a');
  assert.deepEqual([again.status, bodies.has(await again.text())], [202, true]);
  assert.equal((await post('b')).status, 422);
  const { data } = await bodyOf<{ data: JobBody[] }>(await ask(server, key, '/v1/jobs'));
  assert.equal(data.length, 1);
  await jobWith(server, key, data[0]?.job_id ?? '', 'completed');
});

test('jobs belong to the account: its keys see them, nobody else does, and a console key sees none', async () => {
  const { key, account_id: account } = await server.createKey();
  const { key: stranger } = await server.createKey();
  const create = async (...options: string[]): Promise<string> =>
    JSON.parse((await server.earshot('key', 'create', '--account', account, '--json', ...options)).stdout).key;
  const [sibling, console_] = [await create(), await create('--kind', 'console')];
  const jobId = await makeJob(server, key, files.url('go-forward.wav'));
  const job = await jobWith(server, key, jobId, 'completed');
  assert.deepEqual(await findJob(server, sibling, jobId), job);
  assert.deepEqual(await bodyOf(await ask(server, key, `/v1/job/${jobId}`)), job);
  for (const method of ['GET', 'DELETE']) {
    const answer = await ask(server, stranger, `/v1/jobs/${jobId}`, method);
    assert.deepEqual([answer.status, (await bodyOf<ErrorAnswer>(answer)).error.code], [404, 'not_found']);
  }
  assert.equal((await ask(server, console_, `/v1/jobs/${jobId}`)).status, 401);
  assert.equal((await ask(server, key, '/v1/jobs/job_none')).status, 404);
});

test('canceling: a queued job at once, a running one with all of its work, an ended one not at all', async () => {
  const { key, account_id: account } = await server.createKey();
  await server.earshot('webhook', 'secret', account);
  const held = heldSource('held-for-cancel');
  const webhook_url = receiver.url('/canceled');
  const runningJob = await makeJob(server, key, held.url, { webhook_url });
  await jobWith(server, key, runningJob, 'running');
  const queued = await makeJob(server, key, files.url('go-forward.wav'), { webhook_url });
  assert.equal((await findJob(server, key, queued)).status, 'queued');
  for (const jobId of [queued, runningJob]) {
    const answer = await ask(server, key, `/v1/jobs/${jobId}`, 'DELETE');
    const body = await bodyOf<JobBody>(answer);
    assert.deepEqual([answer.status, body.job_id, body.status, body.result], [200, jobId, 'canceled', null]);
    const again = await ask(server, key, `/v1/job/${jobId}`, 'DELETE');
    assert.deepEqual([again.status, (await bodyOf<ErrorAnswer>(again)).error.code], [409, 'job_not_cancelable']);
  }
  await held.left;
  const { spent_usd: spent, held_usd: heldUsd } = await server.keyStatus(key);
  assert.deepEqual([spent, heldUsd], ['0', '0']);
  await eventually(
    () => receiver.received.filter(({ path }) => path === '/canceled').length === 2,
    'the webhooks of canceled jobs never came',
  );
  const done = await makeJob(server, key, files.url('go-forward.wav'));
  await jobWith(server, key, done, 'completed');
  assert.equal((await ask(server, key, `/v1/jobs/${done}`, 'DELETE')).status, 409);
});

test('the list has pages, the newest first, and a filter; more jobs than an account may have waiting are refused', async () => {
  const { key } = await server.createKey();
  const held = heldSource('held-for-list');
  const made = [await makeJob(server, key, held.url)];
  await jobWith(server, key, made[0] ?? '', 'running');
  for (let index = 0; index < 8; index += 1) made.unshift(await makeJob(server, key, files.url('go-forward.wav')));
  const refused = await server.run(key, files.url('go-forward.wav'), { async: true });
  assert.deepEqual(
    [refused.status, (await bodyOf<ErrorAnswer>(refused)).error.code, refused.headers.get('retry-after')],
    [429, 'concurrency_limited', '30'],
  );
  const page = async (query: string) =>
    bodyOf<{ data: JobBody[]; has_more: boolean }>(await ask(server, key, `/v1/jobs?${query}`));
  const found: string[] = [];
  for (let after = ''; ;) {
    const { data, has_more: hasMore } = await page(`limit=4${after}`);
    found.push(...data.map(({ job_id: jobId }) => jobId));
    if (!hasMore) break;
    after = `&after=${found.at(-1)}`;
  }
  assert.deepEqual(found, made);
  const running = await page('status=running');
  assert.deepEqual(
    running.data.map(({ job_id: jobId }) => jobId),
    made.slice(-1),
  );
  assert.equal('result' in (running.data[0] ?? {}), false);
  for (const bad of ['limit=0', 'limit=101', 'limit=x', 'status=done', 'after=job_none', 'page=2']) {
    assert.equal((await ask(server, key, `/v1/jobs?${bad}`)).status, 400, bad);
  }
  for (const jobId of made) await ask(server, key, `/v1/jobs/${jobId}`, 'DELETE');
  held.release();
});

test('a mistake of the caller fails the job at once with the error object, and so does a key that was revoked', async () => {
  const { key } = await server.createKey();
  const missing = await jobWith(server, key, await makeJob(server, key, files.url('not-there')), 'failed', 'completed');
  assert.deepEqual([missing.status, missing.error?.code, missing.result], ['failed', 'audio_download_failed', null]);
  assert.match(missing.error?.request_id ?? '', /^req_/);
  const { key: ending, key_id: keyId, account_id: account } = await server.createKey();
  const { key: sibling } = JSON.parse((await server.earshot('key', 'create', '--account', account, '--json')).stdout);
  const held = heldSource('held-for-revoke');
  const blocking = await makeJob(server, key, held.url);
  await jobWith(server, key, blocking, 'running');
  const revoked = await makeJob(server, ending, files.url('go-forward.wav'));
  await server.earshot('key', 'revoke', keyId);
  held.release();
  const job = await jobWith(server, sibling, revoked, 'failed', 'completed');
  assert.deepEqual([job.status, job.error?.code], ['failed', 'invalid_api_key']);
  const usage = await bodyOf<{ total: { requests: number; errors: number } }>(await ask(server, key, '/v1/usage'));
  await jobWith(server, key, blocking, 'completed');
  assert.ok(usage.total.errors >= 1);
});

test('a webhook carries the job, its signature is good for the public library, and it is sent again by hand with its id', async () => {
  const { key, account_id: account } = await server.createKey();
  const hook = (): readonly { headers: Record<string, unknown>; body: string }[] =>
    receiver.received.filter(({ path }) => path === '/signed');
  const jobId = await makeJob(server, key, files.url('go-forward.wav'), { webhook_url: receiver.url('/signed') });
  await eventually(() => hook().length === 1, 'the webhook never came');
  // The secret may be shown after the first webhook was sent, but only once.
  const shown = JSON.parse((await server.earshot('webhook', 'secret', account, '--json')).stdout);
  assert.match(shown.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const again = await server.earshot('webhook', 'secret', account);
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /--rotate/);
  const first = hook()[0];
  const verified = new Webhook(shown.secret).verify(first?.body ?? '', first?.headers as Record<string, string>);
  assert.deepEqual(verified, await findJob(server, key, jobId));
  assert.equal(first?.headers['content-type'], 'application/json');
  const rotated = JSON.parse((await server.earshot('webhook', 'secret', account, '--rotate', '--json')).stdout);
  assert.ok(Date.parse(rotated.old_secret_expires_at) > Date.now() + 23 * 3_600_000);
  const [entry] = JSON.parse((await server.earshot('webhook', 'list', '--account', account, '--json')).stdout).data;
  assert.deepEqual(
    [entry.job_id, entry.state, entry.attempts.length, entry.attempts[0].status],
    [jobId, 'delivered', 1, 200],
  );
  assert.equal((await server.earshot('webhook', 'replay', entry.delivery_id)).code, 0);
  assert.equal((await server.earshot('webhook', 'replay', 'dlv_none')).code, 1);
  await eventually(() => hook().length === 2, 'the replay never came');
  const second = hook()[1];
  assert.equal(second?.headers['webhook-id'], entry.delivery_id);
  assert.equal(first?.headers['webhook-id'], entry.delivery_id);
  for (const secret of [shown.secret, rotated.secret]) {
    new Webhook(secret).verify(second?.body ?? '', second?.headers as Record<string, string>);
  }
});

test('figures of jobs and webhooks are exposed, and no log line holds the path of a URL', async () => {
  const { key } = await server.createKey();
  const webhook_url = receiver.url('/secret-path?token=secret-token');
  const jobId = await makeJob(server, key, files.url('go-forward.wav'), { webhook_url });
  await jobWith(server, key, jobId, 'completed');
  const metrics = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
  await eventually(async () => /^earshot_webhooks_pending 0$/m.test(await metrics()), 'the webhook is still owed');
  const text = await metrics();
  assert.match(text, /^earshot_jobs\{status="queued"\} 0$/m);
  assert.match(text, /^earshot_jobs\{status="running"\} 0$/m);
  assert.match(text, /^earshot_jobs_ended_total\{status="completed"\} [1-9]/m);
  assert.match(text, /^earshot_jobs_ended_total\{status="canceled"\} [1-9]/m);
  assert.match(text, /^earshot_webhook_tries_total\{outcome="delivered"\} [1-9]/m);
  for (const secret of ['secret-path', 'secret-token', 'go-forward', 'whsec_']) {
    assert.equal(server.log().includes(secret), false, secret);
  }
});
