/** For tests: what a caller does with jobs, over real HTTP. */
import assert from 'node:assert/strict';
import { bodyOf, type RunningServer } from './running-server.ts';

export interface JobBody {
  readonly job_id: string;
  readonly status: string;
  readonly model: string;
  readonly result: { readonly id: string; readonly text: string; readonly cost_usd: string } | null;
  readonly error: { readonly code: string; readonly message: string; readonly request_id: string } | null;
  readonly created_at: string;
  readonly completed_at: string | null;
}

export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly param: string | null };
}

/** Makes a job and gives its id. */
export async function makeJob(
  server: RunningServer,
  key: string,
  audio: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const response = await server.run(key, audio, { async: true, ...more });
  const body = await bodyOf<{ job_id: string }>(response);
  assert.equal(response.status, 202, JSON.stringify(body));
  return body.job_id;
}

export function ask(server: RunningServer, key: string, path: string, method = 'GET'): Promise<Response> {
  return fetch(`${server.url}${path}`, { method, headers: { 'x-api-key': key } });
}

export async function findJob(server: RunningServer, key: string, jobId: string): Promise<JobBody> {
  return bodyOf(await ask(server, key, `/v1/jobs/${jobId}`));
}

const LOOK_MS = 50;

/** Looks again and again until it is so, for a minute at most. */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  what: string,
  secondsMax = 60,
): Promise<void> {
  for (let looks = 0; looks < (secondsMax * 1_000) / LOOK_MS; looks += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  assert.fail(what);
}

/** The job once it has one of these statuses. */
export async function jobWith(
  server: RunningServer,
  key: string,
  jobId: string,
  ...statuses: string[]
): Promise<JobBody> {
  let job = await findJob(server, key, jobId);
  await eventually(
    async () => {
      job = await findJob(server, key, jobId);
      return statuses.includes(job.status);
    },
    `the job never was ${statuses.join(' or ')}`,
  );
  return job;
}
