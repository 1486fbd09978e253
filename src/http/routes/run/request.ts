/** What `POST /v1/run` takes. Members that this version knows but cannot honour are refused by name, never ignored. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import type { Later, TranscribeRequest } from '../../../transcribe/transcribe.ts';
import { parseBody, readJson } from '../../body.ts';
import { readIdempotencyKey } from '../../idempotency-key.ts';
import type { Room } from '../../large-bodies.ts';

const BODY_BYTES_MAX = 256 * 1024;
const BODY_BYTES_MAX_WITH_DATA = 16 * 2 ** 20;

const DATA_URL = /^data:/i;

const label = (min: number, max: number) =>
  z
    .string('must be a string')
    .min(min, `must have ${min} to ${max} characters`)
    .max(max, `must have ${min} to ${max} characters`);

const inputs = z.strictObject(
  {
    audio: z
      .string('must be the URL of the audio')
      .min(1, 'must be the URL of the audio')
      .describe('An http or https URL of a public address, or a `data:audio/…;base64,` URL.'),
    language: z
      .string('must be a string')
      .regex(/^[a-z]{2}$/, 'must be a language code of ISO 639-1 such as "en"')
      .optional()
      .describe('A hint, ISO 639-1.'),
    prompt: z
      .string('must be a string')
      .max(8_000, 'must have at most 8,000 characters')
      .optional()
      .describe('Earlier text as context.'),
    hotwords: z
      .array(label(1, 200), 'must be a list of strings')
      .max(100, 'must have at most 100 entries')
      .optional()
      .describe('Words that may occur.'),
    timestamps: z
      .enum(['none', 'segment'], 'must be "none" or "segment"')
      .optional()
      .describe('`segment`: the reply has `segments`.'),
  },
  'must be an object with the member "audio"',
);

export const runRequest = z.strictObject(
  {
    model: z
      .string('must be the name of a model')
      .min(1, 'must be the name of a model')
      .max(100, 'must be the name of a model'),
    inputs,
    request_id: label(6, 64)
      .regex(/^[A-Za-z0-9._-]*$/, 'must have letters, digits, dots, - and _ only')
      .optional()
      .describe('A label, echoed as `client_request_id`; never an identity.'),
    user_id: label(6, 128).optional().describe("Your own user, kept with the call's record."),
    stream: z.boolean('must be true or false').optional().describe('`true` is refused: this endpoint does not stream.'),
    async: z.boolean('must be true or false').optional().describe('Answer 202 at once; the call becomes a job.'),
    webhook_url: z.string('must be a string').optional().describe('With `async`: told when the job has ended.'),
  },
  'must be an object',
);

/**
 * @param room for a body that is large because its audio is inside; held for as long as the call runs.
 * @param checkWebhookUrl throws for a URL that no webhook may be sent to.
 */
export async function readRunRequest(
  request: Request,
  room: Room,
  checkWebhookUrl: (url: string) => void,
): Promise<TranscribeRequest> {
  const idempotencyKey = readIdempotencyKey(request.headers);
  const { value, byteLength } = await readJson(request, {
    bytesMax: BODY_BYTES_MAX_WITH_DATA,
    smallBytesMax: BODY_BYTES_MAX,
    room,
  });
  if (byteLength > BODY_BYTES_MAX && !carriesAudio(value)) throw new AppError('body_too_large');
  const body = parseBody(runRequest, value);
  if (body.stream === true) throw new AppError('streaming_not_supported', { param: 'stream' });
  const { audio, language, prompt, hotwords } = body.inputs;
  return {
    model: body.model,
    audio: DATA_URL.test(audio) ? { kind: 'data', url: audio } : { kind: 'url', url: audio },
    hints: {
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(hotwords === undefined ? {} : { hotwords }),
    },
    timestamps: body.inputs.timestamps === 'segment',
    warnings: [],
    clientRequestId: body.request_id ?? null,
    userId: body.user_id ?? null,
    idempotency: idempotencyKey === null ? null : { key: idempotencyKey, fingerprint: fingerprintOf(body) },
    later: readLater(body, checkWebhookUrl),
  };
}

function readLater(
  { async: isAsync, webhook_url: webhookUrl }: z.infer<typeof runRequest>,
  checkWebhookUrl: (url: string) => void,
): Later | null {
  if (webhookUrl !== undefined && isAsync !== true) {
    const message = 'The parameter "webhook_url" goes with "async": true only. Send both, or leave it out.';
    throw new AppError('invalid_parameter', { param: 'webhook_url', message });
  }
  if (webhookUrl !== undefined) checkWebhookUrl(webhookUrl);
  return isAsync === true ? { webhookUrl: webhookUrl ?? null } : null;
}

/** The parsed body has its members in the order of the schema, however they came: equal requests give equal texts. */
function fingerprintOf(body: z.infer<typeof runRequest>): string {
  return createHash('sha256')
    .update(`POST /v1/run ${JSON.stringify(body)}`)
    .digest('hex');
}

/** Only audio that travels inside the body may make it large. */
function carriesAudio(value: unknown): boolean {
  const audio = (value as { inputs?: { audio?: unknown } | null } | null)?.inputs?.audio;
  return typeof audio === 'string' && DATA_URL.test(audio);
}
