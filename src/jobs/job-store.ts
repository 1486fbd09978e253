/** Jobs as callers see them: made, looked up, listed, canceled, and forgotten after a while. */
import { sql, type CompiledQuery } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { JobStatus } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import type { AnswerableRequest, DeferredCall } from '../transcribe/transcribe.ts';
import { dropInput, endJob, oweWebhook } from './job-end.ts';
import type { Job } from './job.ts';

export interface JobLimits {
  /** Of one account: jobs that wait, and the bytes of what they carry. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** How long an ended job is kept. */
  readonly resultMs: number;
}

export interface JobQuery {
  readonly limit: number;
  /** The job after which the page begins; null for the first page. */
  readonly after: string | null;
  readonly status: JobStatus | null;
}

/** The input of a job, as it is stored. */
export type JobInput = AnswerableRequest;

export interface JobStore {
  /**
   * Keeps a call as a job, in one transaction with the reply to it where that has an idempotency key; gives the reply.
   * Throws `concurrency_limited` where too many jobs of the account wait.
   */
  add(deferred: DeferredCall, render: (jobId: string) => string): Promise<string>;
  /** Throws `not_found`, also for a job of another account. */
  find(accountId: string, jobId: string): Promise<Job>;
  /** The newest first, without their results. Throws `invalid_parameter` where there is no job `after`. */
  list(accountId: string, query: JobQuery): Promise<{ readonly jobs: readonly Job[]; readonly hasMore: boolean }>;
  /** Throws `not_found`, or `job_not_cancelable` for a job that has ended. Gives the call that the job would have been. */
  cancel(accountId: string, jobId: string): Promise<DeferredCall['call']>;
  /** Removes what ended long ago, in steps of bounded size; gives how many. Jobs that owe a webhook stay. */
  forgetExpired(): Promise<number>;
  /** How many jobs of all accounts wait and run. */
  countOpen(): Promise<{ readonly queued: number; readonly running: number }>;
}

export interface JobStoreOptions {
  readonly store: Pick<Store, 'db' | 'writeIf'>;
  readonly clock: Clock;
  readonly limits: JobLimits;
}

const FORGET_AT_ONCE_MAX = 500;
const ROOM_RETRY_SECONDS = 30;

export function createJobStore(options: JobStoreOptions): JobStore {
  const { store, clock, limits } = options;
  const { db } = store;
  return {
    async add(deferred, render) {
      const jobId = newId('job');
      const reply = render(jobId);
      const { audio, hints, timestamps, warnings } = deferred.request;
      const input = JSON.stringify({ audio, hints, timestamps, warnings } satisfies JobInput);
      const insert = insertIfRoom(db, limits, {
        deferred,
        jobId,
        inputBytes: Buffer.byteLength(input),
        now: clock.now(),
      });
      const kept = await store.writeIf(
        [insert, ...(deferred.claim?.keep(reply) ?? [])],
        [db.insertInto('job_input').values({ job_id: jobId, input }).compile()],
        `jobs ${deferred.call.accountId}`,
      );
      if (!kept) {
        const message = 'This account has too many jobs waiting. Wait until some of them have run.';
        throw new AppError('concurrency_limited', { message, retryAfterSeconds: ROOM_RETRY_SECONDS });
      }
      deferred.claim?.end();
      return reply;
    },

    async find(accountId, jobId) {
      const row = await ownJobs(db, accountId, clock.now())
        .select('result')
        .where('job_id', '=', jobId)
        .executeTakeFirst();
      if (row === undefined) throw noSuchJob();
      return toJob(row);
    },

    list: (accountId, query) => list(options, accountId, query),

    cancel: (accountId, jobId) => cancel(options, accountId, jobId),

    forgetExpired: () => forgetExpired(options),

    countOpen: () => countOpen(db),
  };
}

async function list(
  { store: { db }, clock }: JobStoreOptions,
  accountId: string,
  { limit, after, status }: JobQuery,
): ReturnType<JobStore['list']> {
  let query = ownJobs(db, accountId, clock.now())
    .select(sql<null>`null`.as('result'))
    .orderBy('created_at', 'desc')
    .orderBy('job_id', 'desc');
  if (status !== null) query = query.where('status', '=', status);
  if (after !== null) {
    const last = await ownJobs(db, accountId, clock.now()).where('job_id', '=', after).executeTakeFirst();
    if (last === undefined) throw noPageAfter();
    query = query.where(sql<boolean>`(created_at, job_id) < (${last.created_at}, ${after})`);
  }
  const rows = await query.limit(limit + 1).execute();
  return { jobs: rows.slice(0, limit).map(toJob), hasMore: rows.length > limit };
}

async function cancel(
  { store, clock, limits }: JobStoreOptions,
  accountId: string,
  jobId: string,
): ReturnType<JobStore['cancel']> {
  const { db } = store;
  const row = await db
    .selectFrom('job')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (row === undefined) throw noSuchJob();
  const now = clock.now();
  const end = { status: 'canceled', result: null, error: null, now, expiresAt: now + limits.resultMs } as const;
  const canceled = await store.writeIf(endJob(db, { jobId, accountId }, end), [
    dropInput(db, jobId),
    oweWebhook(db, jobId, now),
  ]);
  if (!canceled) throw new AppError('job_not_cancelable');
  return {
    requestId: row.request_id,
    accountId,
    keyId: row.key_id,
    model: row.model,
    clientRequestId: row.client_request_id,
    userId: row.user_id,
    startedAt: now,
  };
}

async function forgetExpired({ store: { db }, clock }: JobStoreOptions): Promise<number> {
  for (let forgotten = 0; ;) {
    const owing = db.selectFrom('webhook_delivery').select('job_id').where('state', '=', 'pending');
    const expired = db
      .selectFrom('job')
      .select('job_id')
      .where('expires_at', '<=', clock.now())
      .where('job_id', 'not in', owing)
      .limit(FORGET_AT_ONCE_MAX);
    const { numDeletedRows } = await db.deleteFrom('job').where('job_id', 'in', expired).executeTakeFirstOrThrow();
    forgotten += Number(numDeletedRows);
    if (numDeletedRows < FORGET_AT_ONCE_MAX) return forgotten;
  }
}

async function countOpen(db: Db): ReturnType<JobStore['countOpen']> {
  const rows = await db
    .selectFrom('job')
    .select((select) => ['status', select.fn.countAll<number>().as('jobs')])
    .where('status', '=', 'queued')
    .groupBy('status')
    .unionAll(
      db
        .selectFrom('job')
        .select((select) => ['status', select.fn.countAll<number>().as('jobs')])
        .where('status', '=', 'running')
        .groupBy('status'),
    )
    .execute();
  const count = (status: JobStatus): number => rows.find((row) => row.status === status)?.jobs ?? 0;
  return { queued: count('queued'), running: count('running') };
}

interface NewJob {
  readonly deferred: DeferredCall;
  readonly jobId: string;
  readonly inputBytes: number;
  readonly now: number;
}

/** The call that a job makes gets an id of its own: the request that made the job has its own record, if it needs one. */
function insertIfRoom(db: Db, limits: JobLimits, { deferred, jobId, inputBytes, now }: NewJob): CompiledQuery {
  const { call, request } = deferred;
  const waiting = sql`from job where account_id = ${call.accountId} and status = 'queued'`;
  return sql`
    insert into job (job_id, account_id, key_id, request_id, model, client_request_id, user_id, status, attempts, next_at,
      input_bytes, webhook_url, created_at)
    select ${jobId}, ${call.accountId}, ${call.keyId}, ${newId('req')}, ${call.model}, ${call.clientRequestId},
      ${call.userId}, 'queued', 0, ${now}, ${inputBytes}, ${request.later.webhookUrl}, ${now}
    where (select count(*) ${waiting}) < ${limits.waitingMax}
      and (select coalesce(sum(input_bytes), 0) ${waiting}) <= ${limits.waitingBytesMax - inputBytes}`.compile(db);
}

/** All of a job but its result. */
function ownJobs(db: Db, accountId: string, now: number) {
  return db
    .selectFrom('job')
    .select(['job_id', 'status', 'model', 'error', 'created_at', 'completed_at'])
    .where('account_id', '=', accountId)
    .where((on) => on.or([on('expires_at', 'is', null), on('expires_at', '>', now)]));
}

export interface JobRow {
  readonly job_id: string;
  readonly status: JobStatus;
  readonly model: string;
  readonly result: string | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly completed_at: number | null;
}

export function toJob(row: JobRow): Job {
  return {
    jobId: row.job_id,
    status: row.status,
    model: row.model,
    result: row.result,
    error: row.error,
    createdAt: row.created_at,
    completedAt: row.completed_at,
  };
}

function noSuchJob(): AppError {
  return new AppError('not_found', { message: 'There is no job with this id, or it has been forgotten.' });
}

function noPageAfter(): AppError {
  const message = 'The parameter "after" names no job of this account that is still there. Begin with the first page.';
  return new AppError('invalid_parameter', { param: 'after', message });
}
