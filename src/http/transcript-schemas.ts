/** What every door's reply has in common, as schemas for the document. */
import { z } from 'zod';
import type { TranscriptSegment, Warning } from '../core/transcript.ts';
import { replySchemas } from './openapi/reply-schemas.ts';

export const usageSchema = z
  .strictObject({
    type: z.literal('tokens'),
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    total_tokens: z.int().min(0),
    input_token_details: z.strictObject({ audio_tokens: z.int().min(0), text_tokens: z.int().min(0) }),
    estimated: z.boolean().describe('Whether output tokens were counted here, because the engine reports none.'),
  })
  .describe('What the call is charged by. Audio counts by its decoded length.')
  .register(replySchemas, { id: 'Usage' });

const WARNING_CODES = [
  'stand_in_engine',
  'audio_damaged',
  'text_suspect',
  'timestamps_from_speech_regions',
  'prompt_not_supported',
  'hotwords_not_supported',
  'language_not_supported',
  'parameter_not_supported',
  'parameter_unknown',
] as const satisfies readonly Warning['code'][];

export const warningSchema = (
  z.strictObject({
    code: z.enum(WARNING_CODES),
    message: z.string(),
    param: z.string().exactOptional(),
    start: z.number().describe('Seconds.').exactOptional(),
    end: z.number().describe('Seconds.').exactOptional(),
  }) satisfies z.ZodType<Warning>
)
  .describe('Something to know about a reply that is otherwise good.')
  .register(replySchemas, { id: 'Warning' });

export const segmentSchema = (
  z.strictObject({
    start: z.number().describe('Seconds.'),
    end: z.number().describe('Seconds.'),
    text: z.string(),
  }) satisfies z.ZodType<TranscriptSegment>
).register(replySchemas, { id: 'Segment' });
