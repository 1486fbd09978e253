import type { JobStatus } from '../store/schema.ts';

/** A job as its account sees it. */
export interface Job {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly model: string;
  /** The body of the reply, as JSON; null unless the job is completed. */
  readonly result: string | null;
  /** What the caller sees of the error, as JSON; null unless the job failed. */
  readonly error: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly completedAt: number | null;
}

/** What `GET /v1/jobs/{id}` answers, and what a webhook carries. */
export function renderJob(job: Job): Record<string, unknown> {
  return {
    job_id: job.jobId,
    status: job.status,
    model: job.model,
    result: job.result === null ? null : JSON.parse(job.result),
    error: job.error === null ? null : JSON.parse(job.error),
    created_at: new Date(job.createdAt).toISOString(),
    completed_at: job.completedAt === null ? null : new Date(job.completedAt).toISOString(),
  };
}

/** An entry of a list: without the result, which may be long. */
export function renderJobEntry(job: Job): Record<string, unknown> {
  const { result: _, ...entry } = renderJob(job);
  return entry;
}
