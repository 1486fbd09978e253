import { z } from 'zod';
import { RATE_LIMIT_HEADERS, TRANSCRIBE_ERRORS, type Operation } from '../../openapi/operation.ts';
import { errorSchema } from '../../error-response.ts';
import { deltaEventSchema, doneEventSchema, transcriptionSchema, verboseTranscriptionSchema } from './reply.ts';
import { LISTS, transcriptionFields } from './request.ts';

const TEXT = { plain: { type: 'string' } };

export const transcriptionsOperation: Operation = {
  method: 'post',
  path: '/v1/audio/transcriptions',
  id: 'createTranscription',
  tag: 'Transcription',
  summary: 'Transcribe a file that is uploaded',
  description:
    "OpenAI's form, so that OpenAI's SDKs work unchanged. What the engines cannot honour, and fields that nobody knows, come back as `warnings` that name them.",
  who: 'key',
  idempotent: true,
  body: {
    contentType: 'multipart/form-data',
    schema: transcriptionFields,
    file: 'file',
    lists: LISTS,
    example: { model: 'glm/glm-asr-2512', response_format: 'json' },
  },
  headers: RATE_LIMIT_HEADERS,
  replies: {
    200: {
      description:
        'The transcript in the format that was asked for. A stream ends with `TranscriptDone`, or with `Error` where it failed after its first words.',
      headers: ['x-earshot-engine', 'x-earshot-warnings'],
      content: {
        'application/json': z.union([transcriptionSchema, verboseTranscriptionSchema]),
        'text/plain': TEXT,
        'text/vtt': TEXT,
        'text/event-stream': { events: [deltaEventSchema, doneEventSchema, errorSchema] },
      },
    },
  },
  errors: TRANSCRIBE_ERRORS,
};
