import { z } from 'zod';
import { requireAddress, requireWholesale, type Authenticate } from '../../../access/authenticate.ts';
import type { Caller } from '../../../core/caller.ts';
import type { JobStore } from '../../../jobs/job-store.ts';
import { renderJob, renderJobEntry } from '../../../jobs/job.ts';
import type { HttpCall, Route } from '../../app.ts';
import { parseBody } from '../../body.ts';
import { STATUSES } from './reply.ts';

export interface JobRoutesServices {
  readonly authenticate: Authenticate;
  readonly jobs: JobStore;
  cancelJob(accountId: string, jobId: string): Promise<void>;
}

const PAGE_MAX = 100;
const PAGE = 20;

const pageSize = `must be a whole number from 1 to ${PAGE_MAX}`;

export const jobsQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, pageSize)
    .transform(Number)
    .refine((limit) => limit <= PAGE_MAX, pageSize)
    .default(PAGE)
    .describe(`1 to ${PAGE_MAX}; ${PAGE} without it.`),
  after: z.string().max(64, 'must be the id of a job').optional().describe('The last id of the page before.'),
  status: z.enum(STATUSES, `must be one of ${STATUSES.join(', ')}`).optional(),
});

/** Jobs belong to an account: each of its keys sees them, and nobody else does. `/v1/job/{id}` is an older name of the same. */
export function jobRoutes(services: JobRoutesServices): Route[] {
  const { authenticate, jobs } = services;
  const callerOf = async ({ request, client }: HttpCall): Promise<Caller> => {
    const caller = await authenticate(request.headers);
    requireWholesale(caller);
    requireAddress(caller, client.address);
    return caller;
  };
  const list: Route = {
    method: 'GET',
    path: '/v1/jobs',
    async handle(call) {
      const { accountId } = await callerOf(call);
      const { limit, after, status } = parseBody(jobsQuery, Object.fromEntries(new URL(call.request.url).searchParams));
      const page = await jobs.list(accountId, { limit, after: after ?? null, status: status ?? null });
      return Response.json({ data: page.jobs.map(renderJobEntry), has_more: page.hasMore });
    },
  };
  const oneJob = (path: string): Route[] => [
    {
      method: 'GET',
      path,
      async handle(call) {
        const { accountId } = await callerOf(call);
        return Response.json(renderJob(await jobs.find(accountId, jobIdOf(call))));
      },
    },
    {
      method: 'DELETE',
      path,
      async handle(call) {
        const { accountId } = await callerOf(call);
        const jobId = jobIdOf(call);
        await services.cancelJob(accountId, jobId);
        return Response.json(renderJob(await jobs.find(accountId, jobId)));
      },
    },
  ];
  return [list, ...oneJob('/v1/jobs/:id'), ...oneJob('/v1/job/:id')];
}

/** The last segment of the path; an id has no characters that are written in another way. */
function jobIdOf({ request }: HttpCall): string {
  return new URL(request.url).pathname.split('/').at(-1) ?? '';
}
