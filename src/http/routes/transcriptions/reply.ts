import { z } from 'zod';
import { formatUsd } from '../../../core/money.ts';
import { render, type Format } from '../../../recognize/render/render.ts';
import type { Transcription } from '../../../transcribe/transcribe.ts';
import { replySchemas, usd } from '../../openapi/reply-schemas.ts';
import { segmentSchema, usageSchema, warningSchema } from '../../transcript-schemas.ts';
import { usageBody } from '../../usage-body.ts';
import type { Presentation } from './request.ts';

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  verbose_json: 'application/json',
  text: 'text/plain; charset=utf-8',
  srt: 'text/plain; charset=utf-8',
  vtt: 'text/vtt; charset=utf-8',
};

export function contentTypeOf({ format, stream }: Presentation): string {
  return stream ? 'text/event-stream; charset=utf-8' : CONTENT_TYPES[format];
}

/** The body of a 200 that does not stream. */
export function renderTranscription({ format, language }: Presentation, done: Transcription): string {
  return render(format, {
    transcript: done.transcript,
    durationSeconds: done.usage.durationMs / 1000,
    language,
    members: membersOf(done),
  });
}

/** What OpenAI's shape leaves open: who answered, what it cost, and what the caller should know. */
function membersOf({ call, transcript, usage, receipt }: Transcription): Readonly<Record<string, unknown>> {
  return {
    usage: usageBody(usage),
    id: call.requestId,
    model: call.model,
    engine: transcript.engine,
    cost_usd: formatUsd(receipt.costNanoUsd),
    warnings: transcript.warnings,
  };
}

/** One event of a stream, in the form of server-sent events. */
export function deltaEvent(delta: string): string {
  return event({ type: 'transcript.text.delta', delta });
}

export function doneEvent(done: Transcription): string {
  return event({ type: 'transcript.text.done', text: done.transcript.text, ...membersOf(done) });
}

/** What goes wrong after the stream has begun; OpenAI's clients raise it as an error. */
export function errorEvent(body: object): string {
  return event(body);
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

const members = {
  usage: usageSchema,
  id: z.string().describe('The request id: the identity of the charge.'),
  model: z.string(),
  engine: z.string().describe('The engine that gave most of the text.'),
  cost_usd: usd,
  warnings: z.array(warningSchema),
};

export const transcriptionSchema = z
  .strictObject({ text: z.string(), ...members })
  .describe('With `response_format: json`.')
  .register(replySchemas, { id: 'Transcription' });

export const verboseTranscriptionSchema = z
  .strictObject({
    task: z.literal('transcribe'),
    language: z.string().nullable().describe('The name of the language that was sent; null where none was.'),
    duration: z.number().min(0).describe('Seconds.'),
    text: z.string(),
    segments: z.array(
      z.strictObject({
        id: z.int().min(0),
        seek: z.int().min(0),
        ...segmentSchema.shape,
        tokens: z.array(z.int()),
        temperature: z.number(),
        avg_logprob: z.number(),
        compression_ratio: z.number(),
        no_speech_prob: z.number(),
      }),
    ),
    ...members,
  })
  .describe('With `response_format: verbose_json`. What no engine tells is 0 or empty.')
  .register(replySchemas, { id: 'VerboseTranscription' });

export const deltaEventSchema = z
  .strictObject({ type: z.literal('transcript.text.delta'), delta: z.string() })
  .describe('Sent as soon as a piece is settled; all deltas, joined, are the text.')
  .register(replySchemas, { id: 'TranscriptDelta' });

export const doneEventSchema = z
  .strictObject({ type: z.literal('transcript.text.done'), text: z.string(), ...members })
  .describe('The last event, sent once the charge is durable.')
  .register(replySchemas, { id: 'TranscriptDone' });
