/** Jobs through the deaths of their server: kill -9 again and again, SIGTERM, and two servers on one database. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDatabase } from '../store/temporary-store.ts';
import { ask, eventually, findJob, jobWith, makeJob, type JobBody } from './job-calls.ts';
import {
  bodyOf,
  oneOfEachWith,
  serveRecordings,
  startServer,
  type RecordingServer,
  type RunningServer,
} from './running-server.ts';
import { receiveWebhooks, type ReceivedWebhook } from './webhook-receiver.ts';

const FULL = process.env['EARSHOT_TEST_FULL'] !== undefined;
const JOBS = FULL ? 1_000 : 50;
/** How many jobs at least get on between two kills. */
const STEP = FULL ? 15 : 6;
/** A job is begun five times at most: the last ones are left in peace, since every kill would hit the same few. */
const LEFT_IN_PEACE = 12;

const SAMPLE = 'go-forward.wav';

/** Settings for a server that works on several jobs at a time. */
async function jobSettings(...hosts: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'earshot-jobs-crash-'));
  const config = join(folder, 'config.json');
  await writeFile(config, oneOfEachWith({ jobs: 4, decoders: 2 }));
  return {
    environment: { EARSHOT_FETCH_ALLOW: hosts.join(','), EARSHOT_CONFIG: config },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** All jobs of the key's account, the newest first. */
async function allJobs(server: RunningServer, key: string): Promise<string[]> {
  const found: string[] = [];
  for (let after = ''; ;) {
    const page = await bodyOf<{ data: JobBody[]; has_more: boolean }>(
      await ask(server, key, `/v1/jobs?limit=100${after}`),
    );
    found.push(...page.data.map(({ job_id: jobId }) => jobId));
    if (!page.has_more) return found;
    after = `&after=${found.at(-1)}`;
  }
}

const jobIdOf = ({ body }: ReceivedWebhook): string => (JSON.parse(body) as JobBody).job_id;

/** Each job is completed, charged once and by its amount; every webhook came, signed, and with one id for each job. */
async function assertEachOnce(
  server: RunningServer,
  key: string,
  jobIds: readonly string[],
  received: readonly ReceivedWebhook[],
): Promise<void> {
  const ids = new Map<string, Set<unknown>>();
  for (const one of received) {
    assert.equal(one.verified, true, jobIdOf(one));
    ids.set(jobIdOf(one), (ids.get(jobIdOf(one)) ?? new Set()).add(one.headers['webhook-id']));
  }
  assert.deepEqual([...ids.keys()].toSorted(), jobIds.toSorted());
  for (const [jobId, seen] of ids) assert.equal(seen.size, 1, jobId);
  assert.equal(new Set([...ids.values()].flatMap((seen) => [...seen])).size, jobIds.length);
  let nanoUsd = 0;
  const requests = new Set<string>();
  for (const jobId of jobIds) {
    const job = await findJob(server, key, jobId);
    assert.deepEqual([job.status, job.error], ['completed', null], jobId);
    requests.add(job.result?.id ?? '');
    nanoUsd += Math.round(Number(job.result?.cost_usd) * 1e9);
    const told = received.find((one) => jobIdOf(one) === jobId);
    assert.deepEqual(JSON.parse(told?.body ?? ''), job);
  }
  assert.equal(requests.size, jobIds.length);
  const { spent_usd: spent, held_usd: held } = await server.keyStatus(key);
  assert.deepEqual([Math.round(Number(spent) * 1e9), held], [nanoUsd, '0']);
  const usage = await bodyOf<{ total: { requests: number } }>(await ask(server, key, '/v1/usage'));
  assert.equal(usage.total.requests, jobIds.length);
  const { balanced, open_holds: openHolds, differences } = await server.verify();
  assert.deepEqual([balanced, openHolds, differences], [true, 0, []]);
}

/** Kills the server at the next few downloads of a job's audio, or at the next few webhooks, by turns. */
function killAfter(round: number, server: RunningServer, files: RecordingServer, received: readonly unknown[]) {
  const count = STEP + (round % 5);
  let downloads = 0;
  files.serve('sample', (_, response) => {
    downloads += 1;
    if (round % 2 === 0 && downloads === count) server.process.kill('SIGKILL');
    files.send(SAMPLE, response);
  });
  const before = received.length;
  return () => {
    if (round % 2 === 1 && received.length >= before + count) server.process.kill('SIGKILL');
    return server.process.signalCode !== null;
  };
}

test(`${JOBS} jobs, and kill -9 each time after some have progressed: each completed once, charged once, told of with one id`, async (context) => {
  await using files = await serveRecordings();
  await using receiver = await receiveWebhooks();
  await using settings = await jobSettings(files.hostAndPort, receiver.hostAndPort);
  await using first = await startServer(settings);
  let server = first;
  const { key, account_id: account } = await server.createKey('--rpm', '100000');
  const { secret } = JSON.parse((await server.earshot('webhook', 'secret', account, '--json')).stdout);
  receiver.verifyWith(secret);
  const audio = files.url('sample');
  files.serve('sample', (_, response) => files.send(SAMPLE, response));
  for (let made = 0; made < JOBS; made += 1) await makeJob(server, key, audio, { webhook_url: receiver.url() });
  const jobIds = await allJobs(server, key);
  assert.equal(jobIds.length, JOBS);
  const told = (): number => new Set(receiver.received.map(jobIdOf)).size;
  let kills = 0;
  while (JOBS - told() > LEFT_IN_PEACE) {
    const isKilled = killAfter(kills, server, files, receiver.received);
    await eventually(() => isKilled() || JOBS - told() <= LEFT_IN_PEACE, 'the jobs stand still', 120);
    await server.end('SIGKILL');
    kills += 1;
    server = await server.restart();
  }
  await using _last = server;
  await eventually(() => told() === JOBS, 'not every webhook came', 180);
  context.diagnostic(`${kills} kills, ${receiver.received.length} webhooks for ${JOBS} jobs`);
  assert.ok(kills >= 4);
  await assertEachOnce(server, key, jobIds, receiver.received);
});

test('SIGTERM gives a running job back at once, and the next start completes it', async () => {
  await using files = await serveRecordings();
  await using receiver = await receiveWebhooks();
  await using settings = await jobSettings(files.hostAndPort, receiver.hostAndPort);
  await using first = await startServer(settings);
  const { key, account_id: account } = await first.createKey();
  const { secret } = JSON.parse((await first.earshot('webhook', 'secret', account, '--json')).stdout);
  receiver.verifyWith(secret);
  let hold = true;
  files.serve('slow', (_, response) => {
    if (!hold) files.send(SAMPLE, response);
  });
  const jobId = await makeJob(first, key, files.url('slow'), { webhook_url: receiver.url() });
  await jobWith(first, key, jobId, 'running');
  assert.equal(await first.end('SIGTERM'), 0);
  assert.match(first.log(), /"code":"shutting_down","retry_ms":0/);
  hold = false;
  await using second = await first.restart();
  await jobWith(second, key, jobId, 'completed');
  await eventually(() => receiver.received.length > 0, 'the webhook never came');
  await assertEachOnce(second, key, [jobId], receiver.received);
});

test('two servers on one PostgreSQL share the jobs, and each is done once; a job is canceled on the server that does not run it', async () => {
  await using database = await temporaryDatabase('postgres');
  await using files = await serveRecordings();
  await using receiver = await receiveWebhooks();
  await using settings = await jobSettings(files.hostAndPort, receiver.hostAndPort);
  const environment = {
    ...settings.environment,
    DATABASE_URL: database.url,
    EARSHOT_KEY_PEPPER: randomBytes(32).toString('hex'),
  };
  const servers = await Promise.all([startServer({ environment }), startServer({ environment })]);
  await using one = servers[0];
  await using other = servers[1];
  const { key, account_id: account } = await one.createKey();
  const { secret } = JSON.parse((await other.earshot('webhook', 'secret', account, '--json')).stdout);
  receiver.verifyWith(secret);
  const jobIds = await Promise.all(
    Array.from({ length: 16 }, (_, index) =>
      makeJob(index % 2 === 0 ? one : other, key, files.url(SAMPLE), { webhook_url: receiver.url() }),
    ),
  );
  await eventually(() => new Set(receiver.received.map(jobIdOf)).size === 16, 'not every webhook came', 120);
  await assertEachOnce(one, key, jobIds, receiver.received);
  const completed = (server: RunningServer): number =>
    server.log().match(/"event":"job-completed"|"msg":"job-completed"/g)?.length ?? 0;
  assert.equal(completed(one) + completed(other), 16);

  let stopped = (): void => {};
  const gone = new Promise<void>((resolve) => (stopped = resolve));
  files.serve('endless', (_, response) => void response.once('close', stopped));
  const endless = await makeJob(one, key, files.url('endless'));
  await jobWith(other, key, endless, 'running');
  // Whichever of the two runs it, one of these is told on the other.
  const answers = [
    await ask(one, key, `/v1/jobs/${endless}`, 'DELETE'),
    await ask(other, key, `/v1/jobs/${endless}`, 'DELETE'),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 409],
  );
  await gone;
  assert.equal((await findJob(other, key, endless)).status, 'canceled');
});
