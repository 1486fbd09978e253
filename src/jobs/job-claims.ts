/**
 * Jobs as the process sees that works on them: claimed, ended, given back. A claim lasts as long as the process has its
 * lease; whatever a process says of a job that is another's by now changes nothing.
 */
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError, publicError } from '../core/errors.ts';
import type { Store } from '../store/store.ts';
import type { DeferredRun } from '../transcribe/deferred.ts';
import { dropInput, endJob, oweWebhook, type End } from './job-end.ts';
import type { JobInput } from './job-store.ts';

/** One try of a job. */
export interface ClaimedJob {
  readonly jobId: string;
  readonly attempts: number;
  /** Counted in the month in which the try begins, at the prices of then. */
  readonly call: DeferredRun['call'];
  readonly request: JobInput;
  readonly webhookUrl: string | null;
}

export interface JobClaims {
  /** The next job of the account that has the fewest running; null where none waits. */
  claim(): Promise<ClaimedJob | null>;
  /** Ends the job as completed, together with the settlement of its call. */
  keeper(job: ClaimedJob): NonNullable<DeferredRun['keeper']>;
  /** False where the job was not this process's any more. */
  fail(job: ClaimedJob, error: AppError): Promise<boolean>;
  /** Puts the job back into the queue, from `delayMs` on; the try counts only where it was `counted`. */
  putBack(job: ClaimedJob, delayMs: number, counted: boolean): Promise<boolean>;
  /** Of the jobs that this process works on, those that are not its own any more: canceled, or taken over. */
  lost(working: ReadonlySet<string>): Promise<string[]>;
  /**
   * Puts back the jobs of processes that have no lease any more, and those of this one that it does not work on; one that
   * was begun too often fails instead. Gives the calls of those.
   */
  recover(working: ReadonlySet<string>): Promise<DeferredRun['call'][]>;
}

export interface JobClaimsOptions {
  readonly store: Pick<Store, 'db' | 'writeIf' | 'facts'>;
  readonly clock: Clock;
  /** The process that works on jobs; it has a lease while it lives. */
  readonly instanceId: string;
  /** How long an ended job is kept. */
  readonly resultMs: number;
}

export const ATTEMPTS_MAX = 5;

export function createJobClaims(options: JobClaimsOptions): JobClaims {
  const { store, clock, instanceId, resultMs } = options;
  const { db } = store;

  const endAs = (status: 'completed' | 'failed', text: string): End => ({
    status,
    result: status === 'completed' ? text : null,
    error: status === 'failed' ? text : null,
    now: clock.now(),
    expiresAt: clock.now() + resultMs,
  });

  const fail = (owner: string, job: Pick<ClaimedJob, 'jobId' | 'attempts' | 'call'>, error: AppError) => {
    const end = endAs('failed', JSON.stringify(publicError(error, job.call.requestId)));
    const ending = { jobId: job.jobId, instanceId: owner, attempts: job.attempts };
    return store.writeIf(endJob(db, ending, end), [dropInput(db, job.jobId), oweWebhook(db, job.jobId, end.now)]);
  };

  return {
    async claim() {
      const row = await claimRow(options);
      if (row === undefined) return null;
      const stored = await db
        .selectFrom('job_input')
        .select('input')
        .where('job_id', '=', row.job_id)
        .executeTakeFirst();
      // A job that was canceled in between has no input any more.
      if (stored === undefined) return this.claim();
      const call = toCall(row, clock.now());
      const request = JSON.parse(stored.input) as JobInput;
      return { jobId: row.job_id, attempts: row.attempts, call, request, webhookUrl: row.webhook_url };
    },

    keeper: (job) => ({
      keep(reply) {
        const end = endAs('completed', reply);
        return [
          endJob(db, { jobId: job.jobId, instanceId, attempts: job.attempts }, end),
          dropInput(db, job.jobId),
          ...(job.webhookUrl === null ? [] : [oweWebhook(db, job.jobId, end.now)]),
        ];
      },
      end() {},
    }),

    fail: (job, error) => fail(instanceId, job, error),

    putBack: (job, delayMs, counted) => putBack(options, instanceId, job, { delayMs, counted }),

    async lost(working) {
      if (working.size === 0) return [];
      const own = await db
        .selectFrom('job')
        .select('job_id')
        .where('status', '=', 'running')
        .where('instance_id', '=', instanceId)
        .execute();
      const kept = new Set(own.map(({ job_id: jobId }) => jobId));
      return [...working].filter((jobId) => !kept.has(jobId));
    },

    async recover(working) {
      const failed: DeferredRun['call'][] = [];
      for (const row of await abandonedRows(options)) {
        const owner = row.instance_id ?? '';
        if (owner === instanceId && working.has(row.job_id)) continue;
        const job = { jobId: row.job_id, attempts: row.attempts, call: toCall(row, clock.now()) };
        if (row.attempts < ATTEMPTS_MAX) await putBack(options, owner, job, { delayMs: 0, counted: true });
        else if (await fail(owner, job, begunTooOften(job.attempts))) failed.push(job.call);
      }
      return failed;
    },
  };
}

async function putBack(
  { store, clock }: JobClaimsOptions,
  owner: string,
  { jobId, attempts }: Pick<ClaimedJob, 'jobId' | 'attempts'>,
  { delayMs, counted }: { readonly delayMs: number; readonly counted: boolean },
): Promise<boolean> {
  const { numUpdatedRows } = await store.db
    .updateTable('job')
    .set({
      status: 'queued',
      instance_id: null,
      next_at: clock.now() + delayMs,
      attempts: counted ? attempts : attempts - 1,
    })
    .where('job_id', '=', jobId)
    .where('status', '=', 'running')
    .where('instance_id', '=', owner)
    .where('attempts', '=', attempts)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

interface ClaimedRow {
  readonly job_id: string;
  readonly account_id: string;
  readonly key_id: string;
  readonly request_id: string;
  readonly model: string;
  readonly client_request_id: string | null;
  readonly user_id: string | null;
  readonly attempts: number;
  readonly instance_id: string | null;
  readonly webhook_url: string | null;
}

/** Accounts take turns by what they have running, so that one with a thousand jobs does not hold up one with a single job. */
async function claimRow({ store, clock, instanceId }: JobClaimsOptions): Promise<ClaimedRow | undefined> {
  const now = clock.now();
  const { rows } = await sql<ClaimedRow>`
    update job set status = 'running', instance_id = ${instanceId}, attempts = attempts + 1
    where job_id = (
      select job_id from job
      where status = 'queued' and next_at <= ${now} and account_id = (
        select waiting.account_id
        from (
          select account_id, min(next_at) as first_at from job where status = 'queued' and next_at <= ${now}
          group by account_id
        ) as waiting
        left join (
          select account_id, count(*) as jobs from job where status = 'running' group by account_id
        ) as busy on busy.account_id = waiting.account_id
        order by coalesce(busy.jobs, 0), waiting.first_at, waiting.account_id limit 1
      )
      order by next_at, job_id limit 1 ${store.facts.skipLocked}
    )
    returning *`.execute(store.db);
  return rows[0];
}

/** Jobs whose process has no lease, and all that run in this one. */
async function abandonedRows({ store, clock, instanceId }: JobClaimsOptions): Promise<ClaimedRow[]> {
  return store.db
    .selectFrom('job')
    .leftJoin('instance', (join) =>
      join.onRef('instance.instance_id', '=', 'job.instance_id').on('instance.lease_until', '>=', clock.now()),
    )
    .selectAll('job')
    .where('job.status', '=', 'running')
    .where((on) => on.or([on('instance.instance_id', 'is', null), on('job.instance_id', '=', instanceId)]))
    .execute();
}

function toCall(row: ClaimedRow, startedAt: number): DeferredRun['call'] {
  return {
    requestId: row.request_id,
    accountId: row.account_id,
    keyId: row.key_id,
    model: row.model,
    clientRequestId: row.client_request_id,
    userId: row.user_id,
    startedAt,
  };
}

function begunTooOften(attempts: number): AppError {
  const message = 'The job was begun again and again, and never came to its end. It was not charged.';
  return new AppError('internal_error', { message, detail: `${attempts} attempts` });
}
