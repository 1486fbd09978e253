/**
 * Works on jobs: as many at a time as it may, each through the same flow as a call that somebody waits for. What is the
 * caller's own mistake fails a job at once; what is ours is tried again, after a while and a few times.
 */
import type { Clock } from '../core/clock.ts';
import { AppError, CallerGone, outcomeOf, toAppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { transcribeDeferred } from '../transcribe/deferred.ts';
import type { Services, Transcription } from '../transcribe/transcribe.ts';
import { ATTEMPTS_MAX, type ClaimedJob, type JobClaims } from './job-claims.ts';
import type { JobStore } from './job-store.ts';
import { startPump, type Pump } from './pump.ts';

export interface JobRunner extends Pump {
  /** Cancels a job; where it runs here, its work has stopped once this resolves. Throws as the store's `cancel`. */
  cancel(accountId: string, jobId: string): Promise<void>;
}

export interface JobRunnerOptions {
  readonly jobs: JobStore;
  readonly claims: JobClaims;
  readonly services: Services;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many run at a time. */
  readonly places: number;
  /** The time limit of one job. */
  readonly jobMsMax: number;
  /** The body of the reply. */
  render(done: Transcription): string;
  readonly observer: JobObserver;
  readonly pollMs?: number;
}

/** Told of what happens to jobs here. A job that has ended may owe a webhook. */
export interface JobObserver {
  completed(done: Transcription): void;
  ended(status: 'completed' | 'failed' | 'canceled'): void;
  retried(): void;
}

const POLL_MS = 1_000;

/** How long a job waits after its first, second … attempt. */
const RETRY_MS = [5_000, 30_000, 120_000, 600_000];

/** The reason of an abort when a job is not this process's any more: nothing is to be written down. */
class JobLost extends CallerGone {}

interface Running {
  readonly controller: AbortController;
  readonly stopped: Promise<void>;
}

export function startJobRunner(options: JobRunnerOptions): JobRunner {
  const { jobs, claims, services, observer, log } = options;
  const running = new Map<string, Running>();

  async function work(job: ClaimedJob, shutdown: AbortSignal): Promise<void> {
    const controller = new AbortController();
    let markStopped = (): void => {};
    const stopped = new Promise<void>((resolve) => (markStopped = resolve));
    running.set(job.jobId, { controller, stopped });
    const timeout = new AppError('engine_timeout', { detail: 'time limit of the job' });
    const timer = setTimeout(() => controller.abort(timeout), options.jobMsMax);
    const signal = AbortSignal.any([controller.signal, shutdown]);
    try {
      await run(job, signal);
    } finally {
      clearTimeout(timer);
      running.delete(job.jobId);
      markStopped();
    }
  }

  async function run(job: ClaimedJob, signal: AbortSignal): Promise<void> {
    const { call, request } = job;
    const keeper = claims.keeper(job);
    try {
      const render = (done: Transcription): string => options.render(done);
      const done = await transcribeDeferred({ signal, keeper, render, call, request }, services);
      log.info({ job_id: job.jobId, request_id: call.requestId, attempts: job.attempts }, 'job-completed');
      observer.completed(done);
      observer.ended('completed');
    } catch (error) {
      await endAttempt(options, job, signal.aborted ? signal.reason : error, signal.aborted);
    }
  }

  async function chore(): Promise<void> {
    const working = new Set(running.keys());
    for (const jobId of await claims.lost(working)) running.get(jobId)?.controller.abort(new JobLost());
    for (const call of await claims.recover(working)) {
      await services.recordUncharged(call, outcomeOf(new AppError('internal_error')), {});
      log.error({ request_id: call.requestId }, 'job-begun-too-often');
      observer.ended('failed');
    }
  }

  const pump = startPump<ClaimedJob>({
    places: options.places,
    pollMs: options.pollMs ?? POLL_MS,
    chore,
    take: () => claims.claim(),
    work,
    log,
    failureEvent: 'job-runner-failed',
  });
  return {
    ...pump,
    async cancel(accountId, jobId) {
      const call = await jobs.cancel(accountId, jobId);
      const here = running.get(jobId);
      here?.controller.abort(new JobLost());
      await here?.stopped;
      await services.recordUncharged(call, outcomeOf(new CallerGone()), {});
      log.info({ job_id: jobId, request_id: call.requestId }, 'job-canceled');
      observer.ended('canceled');
    },
  };
}

/** Writes down how an attempt ended that brought no result. */
async function endAttempt(
  { claims, services, observer, log }: JobRunnerOptions,
  job: ClaimedJob,
  cause: unknown,
  aborted: boolean,
): Promise<void> {
  if (cause instanceof JobLost) return;
  const error = toAppError(cause);
  const next = nextOf(job, error, aborted);
  const facts = { job_id: job.jobId, request_id: job.call.requestId, attempts: job.attempts, code: error.code };
  const detail = error.detail === undefined ? {} : { detail: error.detail };
  if (next.is === 'again') {
    const isBack = await claims.putBack(job, next.delayMs, next.counted);
    if (isBack && next.counted) observer.retried();
    log.warn({ ...facts, ...detail, retry_ms: next.delayMs }, isBack ? 'job-put-back' : 'job-lost');
    return;
  }
  if (!(await claims.fail(job, error))) return log.warn({ ...facts, ...detail }, 'job-lost');
  await services.recordUncharged(job.call, outcomeOf(error), {});
  log.info({ ...facts, ...detail }, 'job-failed');
  observer.ended('failed');
}

type Next = { readonly is: 'failed' } | { readonly is: 'again'; readonly delayMs: number; readonly counted: boolean };

/** What comes after an attempt that brought no result. */
function nextOf({ attempts }: ClaimedJob, error: AppError, aborted: boolean): Next {
  if (aborted && error.code === 'shutting_down') return { is: 'again', delayMs: 0, counted: false };
  // Calls that somebody waits for go first: that there was no room is no fault of the job.
  if (error.code === 'overloaded')
    return { is: 'again', delayMs: (error.retryAfterSeconds ?? 5) * 1_000, counted: false };
  const mayHelp = error.status >= 500 && !aborted;
  if (!mayHelp || attempts >= ATTEMPTS_MAX) return { is: 'failed' };
  return { is: 'again', delayMs: RETRY_MS[attempts - 1] ?? 0, counted: true };
}
