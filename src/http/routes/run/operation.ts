import { RATE_LIMIT_HEADERS, TRANSCRIBE_ERRORS, type Operation } from '../../openapi/operation.ts';
import { acceptedSchema, runReplySchema } from './reply.ts';
import { runRequest } from './request.ts';

export const runOperation: Operation = {
  method: 'post',
  path: '/v1/run',
  id: 'run',
  tag: 'Transcription',
  summary: 'Transcribe the audio at a URL',
  description:
    'One call, one transcript. With `async` it is answered 202 at once and becomes a job. Members that are not listed are refused by name. A refused, failed or cancelled call costs nothing.',
  who: 'key',
  idempotent: true,
  body: {
    contentType: 'application/json',
    schema: runRequest,
    example: { model: 'glm/glm-asr-2512', inputs: { audio: 'https://example.com/talk.mp3' } },
  },
  headers: RATE_LIMIT_HEADERS,
  replies: {
    200: {
      description: 'The transcript.',
      headers: ['x-earshot-engine'],
      content: { 'application/json': runReplySchema },
    },
    202: { description: 'With `async`: the job that was made.', content: { 'application/json': acceptedSchema } },
  },
  errors: [
    ...TRANSCRIBE_ERRORS,
    'invalid_json',
    'unknown_parameter',
    'streaming_not_supported',
    'audio_url_invalid',
    'audio_url_not_allowed',
    'body_too_large',
    'audio_download_failed',
    'audio_download_timeout',
  ],
};
