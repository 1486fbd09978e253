/** What `jobs/job.ts` renders, as schemas for the document. */
import { z } from 'zod';
import type { Job } from '../../../jobs/job.ts';
import { errorObjectSchema } from '../../error-response.ts';
import { replySchemas, time } from '../../openapi/reply-schemas.ts';
import { runReplySchema } from '../run/reply.ts';

export const STATUSES = [
  'queued',
  'running',
  'completed',
  'failed',
  'canceled',
] as const satisfies readonly Job['status'][];

const entry = {
  job_id: z.string(),
  status: z.enum(STATUSES),
  model: z.string(),
  error: errorObjectSchema.nullable().describe('Null unless the job failed.'),
  created_at: time,
  completed_at: time.nullable(),
};

export const jobSchema = z
  .strictObject({ ...entry, result: runReplySchema.nullable().describe('Null unless the job is completed.') })
  .describe('Also the body of a webhook.')
  .register(replySchemas, { id: 'Job' });

export const jobListSchema = z
  .strictObject({
    data: z.array(z.strictObject(entry).describe('Without the result, which may be long.')),
    has_more: z.boolean(),
  })
  .register(replySchemas, { id: 'JobList' });
