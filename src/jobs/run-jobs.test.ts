/** What becomes of a job by the way in which its attempts end, on each database. */
import assert from 'node:assert/strict';
import type { Caller } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { silentLogger } from '../core/log.ts';
import type { JobTable } from '../store/schema.ts';
import type { DatabaseName } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import type { Services } from '../transcribe/transcribe.ts';
import { ATTEMPTS_MAX } from './job-claims.ts';
import { startJobRunner } from './run-jobs.ts';
import { deferredCall, openTemporaryJobs } from './temporary-jobs.ts';

/** Work that ends with its signal only. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

/** A runner whose attempts all come as far as the audio, and end there as `attempt` says. */
async function startWith(database: DatabaseName, attempt: (signal: AbortSignal) => Promise<never>, jobMsMax = 60_000) {
  const temporary = await openTemporaryJobs(database);
  const account = await temporary.newAccount();
  let jobId = '';
  await temporary.jobs.add(deferredCall(account), (id) => (jobId = id));
  const { claims, instanceId } = await temporary.newProcess();
  let begun = 0;
  const recorded: string[] = [];
  let markEnded = (): void => {};
  const ended = new Promise<void>((resolve) => (markEnded = resolve));
  const flow: Partial<Services> = {
    clock: temporary.clock,
    findCaller: () => Promise.resolve({ allowedModels: null } as Caller),
    recognizer: { select: () => ({ model: {}, engine: {} }) } as unknown as Services['recognizer'],
    pricing: { termsOf: () => Promise.resolve({}) } as unknown as Services['pricing'],
    opener: {
      check() {},
      open(_, signal) {
        begun += 1;
        return attempt(signal);
      },
    },
    recordUncharged: async (_, { code }) => void recorded.push(code ?? ''),
    async keepContent() {},
  };
  const runner = startJobRunner({
    jobs: temporary.jobs,
    claims,
    services: flow as Services,
    clock: temporary.clock,
    log: silentLogger,
    places: 1,
    jobMsMax,
    render: () => '',
    observer: { completed() {}, ended: () => markEnded(), retried() {} },
    pollMs: 5,
  });
  return {
    ...temporary,
    account,
    jobId,
    runner,
    recorded,
    instanceId,
    begun: () => begun,
    /** Resolves once everything has been written down of the job's end. */
    ended,
    /** The job's row once it is as it should be. */
    async until(isSo: (job: JobTable) => boolean): Promise<JobTable> {
      for (;;) {
        const job = await temporary.db.selectFrom('job').selectAll().executeTakeFirstOrThrow();
        if (isSo(job)) return job;
      }
    },
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

testOnEach(
  'engine trouble is tried again after growing pauses, five times in all, and then fails the job',
  async (database) => {
    await using running = await startWith(database, () => Promise.reject(new AppError('engine_failed')));
    const pauses: number[] = [];
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { next_at: nextAt } = await running.until((job) => job.status === 'queued' && job.attempts === attempt);
      pauses.push(nextAt - running.clock.now());
      running.pass(nextAt - running.clock.now() - 1);
      running.runner.wake();
      running.pass(1);
      running.runner.wake();
    }
    await running.ended;
    const job = await running.until(({ status }) => status === 'failed');
    assert.deepEqual([job.attempts, running.begun(), JSON.parse(job.error ?? '').code], [5, 5, 'engine_failed']);
    assert.deepEqual(pauses, [5_000, 30_000, 120_000, 600_000]);
    assert.deepEqual(running.recorded, ['engine_failed']);
  },
);

testOnEach('a mistake of the caller fails the job at once with its code; a bug is tried again', async (database) => {
  for (const code of ['audio_not_decodable', 'monthly_cap_reached', 'model_not_allowed'] as const) {
    await using running = await startWith(database, () => Promise.reject(new AppError(code)));
    await running.ended;
    const job = await running.until(({ status }) => status === 'failed');
    assert.deepEqual([job.attempts, JSON.parse(job.error ?? '').code, running.recorded], [1, code, [code]]);
  }
  await using running = await startWith(database, () => Promise.reject(new Error('secret detail')));
  const job = await running.until(({ status, attempts }) => status === 'queued' && attempts === 1);
  assert.equal(job.error, null);
});

testOnEach('a job for which there is no room waits as long as it is told, and uses up no try', async (database) => {
  await using running = await startWith(database, () =>
    Promise.reject(new AppError('overloaded', { retryAfterSeconds: 7 })),
  );
  for (let rounds = 0; rounds < ATTEMPTS_MAX + 2; rounds += 1) {
    const now = running.clock.now();
    const job = await running.until((row) => row.status === 'queued' && row.next_at === now + 7_000);
    assert.equal(job.attempts, 0);
    running.pass(7_000);
    running.runner.wake();
  }
});

testOnEach('a job past its time limit fails at once, and so does its work', async (database) => {
  await using running = await startWith(database, untilAborted, 10);
  await running.ended;
  const job = await running.until(({ status }) => status === 'failed');
  assert.deepEqual([job.attempts, JSON.parse(job.error ?? '').code], [1, 'engine_timeout']);
});

testOnEach('the end of the server gives a running job back, as if it had never begun', async (database) => {
  await using running = await startWith(database, untilAborted);
  const { instance_id: owner } = await running.until(({ status }) => status === 'running');
  assert.equal(owner, running.instanceId);
  await running.runner[Symbol.asyncDispose]();
  const job = await running.until(() => true);
  assert.deepEqual([job.status, job.attempts, job.instance_id, running.recorded], ['queued', 0, null, []]);
});
