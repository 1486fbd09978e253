import { KEY_ERRORS, type Operation } from '../../openapi/operation.ts';
import { jobListSchema, jobSchema } from './reply.ts';
import { jobsQuery } from './routes.ts';

const ERRORS = [...KEY_ERRORS, 'wholesale_key_required'] as const;

function oneJob(path: string, alias: boolean): Operation[] {
  const of = alias ? 'ByAlias' : '';
  const common = {
    path,
    tag: 'Jobs',
    who: 'key',
    pathParameters: { id: { description: 'The id of the job.', example: 'job_…' } },
    ...(alias ? { deprecated: true } : {}),
  } as const;
  const note = alias ? ' An older name of `/v1/jobs/{id}`.' : '';
  return [
    {
      ...common,
      method: 'get',
      id: `getJob${of}`,
      summary: 'A job with its result',
      description: `Ended jobs are kept for a week, unless the server is set otherwise.${note}`,
      replies: { 200: { description: 'The job.', content: { 'application/json': jobSchema } } },
      errors: [...ERRORS, 'not_found'],
    },
    {
      ...common,
      method: 'delete',
      id: `cancelJob${of}`,
      summary: 'Cancel a job',
      description: `The work stops, and nothing is charged.${note}`,
      replies: { 200: { description: 'The canceled job.', content: { 'application/json': jobSchema } } },
      errors: [...ERRORS, 'not_found', 'job_not_cancelable'],
    },
  ];
}

export const jobsOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/jobs',
    id: 'listJobs',
    tag: 'Jobs',
    summary: 'The jobs of the account',
    description: 'The newest first, without their results.',
    who: 'key',
    query: jobsQuery,
    replies: { 200: { description: 'A page of jobs.', content: { 'application/json': jobListSchema } } },
    errors: [...ERRORS, 'unknown_parameter'],
  },
  ...oneJob('/v1/jobs/{id}', false),
  ...oneJob('/v1/job/{id}', true),
];
