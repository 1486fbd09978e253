import { z } from 'zod';
import { formatUsd } from '../../../core/money.ts';
import type { Transcription } from '../../../transcribe/transcribe.ts';
import { replySchemas, usd } from '../../openapi/reply-schemas.ts';
import { segmentSchema, usageSchema, warningSchema } from '../../transcript-schemas.ts';
import { usageBody } from '../../usage-body.ts';

/** The body of a 200. */
export function renderRunReply({ call, transcript, usage, receipt }: Transcription): string {
  return JSON.stringify({
    text: transcript.text,
    ...(transcript.segments === undefined ? {} : { segments: transcript.segments }),
    id: call.requestId,
    ...(call.clientRequestId === null ? {} : { client_request_id: call.clientRequestId }),
    model: call.model,
    engine: transcript.engine,
    engines: transcript.engines,
    duration_seconds: usage.durationMs / 1000,
    usage: usageBody(usage),
    cost_usd: formatUsd(receipt.costNanoUsd),
    warnings: transcript.warnings,
  });
}

export const runReplySchema = z
  .strictObject({
    text: z.string().describe('The whole transcript. Silence gives an empty text.'),
    segments: z.array(segmentSchema).optional().describe('With `inputs.timestamps: "segment"`.'),
    id: z.string().describe('The request id: the identity of the charge.'),
    client_request_id: z.string().optional().describe('The `request_id` that was sent.'),
    model: z.string(),
    engine: z.string().describe('The engine that gave most of the text.'),
    engines: z.array(z.string()).describe('All engines that gave some of it.'),
    duration_seconds: z.number().min(0),
    usage: usageSchema,
    cost_usd: usd,
    warnings: z.array(warningSchema),
  })
  .register(replySchemas, { id: 'RunReply' });

/** The body of a 202. */
export function renderAccepted(jobId: string, model: string, base: string): string {
  return JSON.stringify({
    status: 'accepted',
    job_id: jobId,
    poll_url: new URL(`/v1/jobs/${jobId}`, base).href,
    model,
  });
}

export const acceptedSchema = z
  .strictObject({ status: z.literal('accepted'), job_id: z.string(), poll_url: z.url(), model: z.string() })
  .register(replySchemas, { id: 'Accepted' });
