/** The queue itself, on each database: claimed once, given back after a death, fair, bounded, and forgotten in the end. */
import assert from 'node:assert/strict';
import { AppError } from '../core/errors.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { ATTEMPTS_MAX, type ClaimedJob, type JobClaims } from './job-claims.ts';
import { deferredCall, openTemporaryJobs, RESULT_MS, type TemporaryJobs } from './temporary-jobs.ts';

const NOTHING: ReadonlySet<string> = new Set();

async function add(temporary: TemporaryJobs, owner: { accountId: string; keyId: string }, webhookUrl?: string) {
  let jobId = '';
  await temporary.jobs.add(deferredCall(owner, webhookUrl), (id) => (jobId = id));
  temporary.pass(1);
  return jobId;
}

async function claimed(claims: JobClaims): Promise<ClaimedJob> {
  const job = await claims.claim();
  assert.ok(job !== null, 'a job waits');
  return job;
}

/** Ends a job as completed, as a settlement does. */
function complete({ store }: TemporaryJobs, claims: JobClaims, job: ClaimedJob): Promise<boolean> {
  return store.writeIf(claims.keeper(job).keep('{"text":""}'), []);
}

testOnEach('two processes that claim at the same time never get the same job', async (database) => {
  await using temporary = await openTemporaryJobs(database);
  const owner = await temporary.newAccount();
  for (let made = 0; made < 40; made += 1) await add(temporary, owner);
  const processes = [await temporary.newProcess(), await temporary.newProcess(), await temporary.newProcess()];
  const seen: string[] = [];
  const drain = async (claims: JobClaims): Promise<void> => {
    for (let misses = 0; misses < 5;) {
      const job = await claims.claim();
      if (job === null) misses += 1;
      else seen.push(job.jobId);
    }
  };
  await Promise.all(processes.flatMap(({ claims }) => [drain(claims), drain(claims)]));
  assert.deepEqual([seen.length, new Set(seen).size], [40, 40]);
});

testOnEach('an account with many jobs does not hold up one with a single job', async (database) => {
  await using temporary = await openTemporaryJobs(database);
  const [many, one] = [await temporary.newAccount(), await temporary.newAccount()];
  for (let made = 0; made < 10; made += 1) await add(temporary, many);
  const late = await add(temporary, one);
  const { claims } = await temporary.newProcess();
  await claimed(claims);
  assert.equal((await claimed(claims)).jobId, late);
});

testOnEach(
  'the job of a process that died is begun again by another, and what the dead one still says changes nothing',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    const owner = await temporary.newAccount();
    const jobId = await add(temporary, owner, 'https://example.com/hook');
    const [dead, living] = [await temporary.newProcess(), await temporary.newProcess()];
    const first = await claimed(dead.claims);
    await living.claims.recover(NOTHING);
    assert.equal(await living.claims.claim(), null, 'its process lives');
    await dead.dies();
    await living.claims.recover(NOTHING);
    const second = await claimed(living.claims);
    assert.deepEqual([second.jobId, second.attempts], [jobId, 2]);
    assert.equal(second.call.requestId, first.call.requestId);
    assert.equal(await complete(temporary, dead.claims, first), false);
    assert.equal(await dead.claims.fail(first, new AppError('internal_error')), false);
    assert.equal(await dead.claims.putBack(first, 0, true), false);
    assert.deepEqual(await dead.claims.lost(new Set([jobId])), [jobId]);
    assert.equal(await complete(temporary, living.claims, second), true);
    assert.equal(await complete(temporary, living.claims, second), false);
    assert.equal((await temporary.jobs.find(owner.accountId, jobId)).status, 'completed');
    const deliveries = await temporary.db.selectFrom('webhook_delivery').select('job_id').execute();
    assert.deepEqual(deliveries, [{ job_id: jobId }]);
    assert.deepEqual(await temporary.db.selectFrom('job_input').select('job_id').execute(), []);
  },
);

testOnEach('a job that kills its process again and again fails after five attempts', async (database) => {
  await using temporary = await openTemporaryJobs(database);
  const owner = await temporary.newAccount();
  const jobId = await add(temporary, owner);
  const rescuer = await temporary.newProcess();
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const doomed = await temporary.newProcess();
    assert.equal((await claimed(doomed.claims)).attempts, attempt);
    await doomed.dies();
    const failed = await rescuer.claims.recover(NOTHING);
    assert.equal(failed.length, attempt === ATTEMPTS_MAX ? 1 : 0);
  }
  const { status, error } = await temporary.jobs.find(owner.accountId, jobId);
  assert.deepEqual([status, JSON.parse(error ?? '').code], ['failed', 'internal_error']);
});

testOnEach(
  'a job that is put back waits for its time, and one that was given back has not used up a try',
  async (database) => {
    await using temporary = await openTemporaryJobs(database);
    await add(temporary, await temporary.newAccount());
    const { claims } = await temporary.newProcess();
    await claims.putBack(await claimed(claims), 5_000, true);
    assert.equal(await claims.claim(), null);
    temporary.pass(5_000);
    const second = await claimed(claims);
    assert.equal(second.attempts, 2);
    await claims.putBack(second, 0, false);
    assert.equal((await claimed(claims)).attempts, 2);
  },
);

testOnEach('a job that this process claimed but does not work on is put back', async (database) => {
  await using temporary = await openTemporaryJobs(database);
  await add(temporary, await temporary.newAccount());
  const { claims } = await temporary.newProcess();
  const job = await claimed(claims);
  await claims.recover(new Set([job.jobId]));
  assert.equal(await claims.claim(), null);
  await claims.recover(NOTHING);
  assert.equal((await claimed(claims)).jobId, job.jobId);
});

testOnEach('jobs that wait are bounded in number and in bytes, for each account by itself', async (database) => {
  await using temporary = await openTemporaryJobs(database, { waitingMax: 3, waitingBytesMax: 10_000 });
  const [full, other, heavy] = [
    await temporary.newAccount(),
    await temporary.newAccount(),
    await temporary.newAccount(),
  ];
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => add(temporary, full)));
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 3);
  await assert.rejects(add(temporary, full), { code: 'concurrency_limited' });
  await add(temporary, other);
  const large = deferredCall(heavy);
  const audio = { kind: 'data' as const, url: `data:audio/wav;base64,${'A'.repeat(6_000)}` };
  const withAudio = { ...large, request: { ...large.request, audio } };
  await temporary.jobs.add(withAudio, () => '');
  await assert.rejects(
    temporary.jobs.add(withAudio, () => ''),
    { code: 'concurrency_limited' },
  );
});

testOnEach('an ended job is forgotten after its time, but not while it owes a webhook', async (database) => {
  await using temporary = await openTemporaryJobs(database);
  const owner = await temporary.newAccount();
  const [plain, owing, open] = [
    await add(temporary, owner),
    await add(temporary, owner, 'https://example.com/hook'),
    await add(temporary, owner),
  ];
  for (const jobId of [plain, owing]) await temporary.jobs.cancel(owner.accountId, jobId);
  temporary.pass(RESULT_MS - 100);
  assert.equal(await temporary.jobs.forgetExpired(), 0);
  temporary.pass(100);
  assert.equal(await temporary.jobs.forgetExpired(), 1);
  // Callers see neither any more; the webhook can still be sent.
  for (const jobId of [plain, owing]) {
    await assert.rejects(temporary.jobs.find(owner.accountId, jobId), { code: 'not_found' });
  }
  const { deliveries } = await temporary.newProcess();
  const delivery = await deliveries.claim([]);
  assert.equal(delivery?.jobId, owing);
  await deliveries.record(delivery, { startedAt: 0, durationMs: 1, status: 204, failure: null });
  assert.equal(await temporary.jobs.forgetExpired(), 1);
  assert.equal((await temporary.jobs.find(owner.accountId, open)).status, 'queued');
  assert.deepEqual(await temporary.jobs.countOpen(), { queued: 1, running: 0 });
});
