/** What `POST /v1/run` takes. Members that this version knows but cannot honour are refused by name, never ignored. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import type { TranscribeRequest } from '../../../transcribe/transcribe.ts';
import { parseBody, readJson } from '../../body.ts';
import type { Room } from '../../large-bodies.ts';

const BODY_BYTES_MAX = 256 * 1024;
const BODY_BYTES_MAX_WITH_DATA = 16 * 2 ** 20;

const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;

const DATA_URL = /^data:/i;

const label = (min: number, max: number) =>
  z
    .string('must be a string')
    .min(min, `must have ${min} to ${max} characters`)
    .max(max, `must have ${min} to ${max} characters`);

const inputs = z.strictObject(
  {
    audio: z.string('must be the URL of the audio').min(1, 'must be the URL of the audio'),
    language: z
      .string('must be a string')
      .regex(/^[a-z]{2}$/, 'must be a language code of ISO 639-1 such as "en"')
      .optional(),
    prompt: z.string('must be a string').max(8_000, 'must have at most 8,000 characters').optional(),
    hotwords: z.array(label(1, 200), 'must be a list of strings').max(100, 'must have at most 100 entries').optional(),
    timestamps: z.enum(['none', 'segment'], 'must be "none" or "segment"').optional(),
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
      .optional(),
    user_id: label(6, 128).optional(),
    stream: z.boolean('must be true or false').optional(),
    async: z.boolean('must be true or false').optional(),
    webhook_url: z.string('must be a string').optional(),
  },
  'must be an object',
);

/** @param room for a body that is large because its audio is inside; held for as long as the call runs. */
export async function readRunRequest(request: Request, room: Room): Promise<TranscribeRequest> {
  const idempotencyKey = readIdempotencyKey(request.headers);
  const { value, byteLength } = await readJson(request, {
    bytesMax: BODY_BYTES_MAX_WITH_DATA,
    smallBytesMax: BODY_BYTES_MAX,
    room,
  });
  if (byteLength > BODY_BYTES_MAX && !carriesAudio(value)) throw new AppError('body_too_large');
  const body = parseBody(runRequest, value);
  if (body.stream === true) throw new AppError('streaming_not_supported', { param: 'stream' });
  if (body.async === true) throw notYet('async', 'Leave it out and wait for the answer.');
  if (body.webhook_url !== undefined) throw notYet('webhook_url', 'Leave it out and wait for the answer.');
  if (body.inputs.timestamps === 'segment') throw notYet('inputs.timestamps', 'Leave it out or send "none".');
  const { audio, language, prompt, hotwords } = body.inputs;
  return {
    model: body.model,
    audio: DATA_URL.test(audio) ? { kind: 'data', url: audio } : { kind: 'url', url: audio },
    hints: {
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(hotwords === undefined ? {} : { hotwords }),
    },
    clientRequestId: body.request_id ?? null,
    userId: body.user_id ?? null,
    idempotency: idempotencyKey === null ? null : { key: idempotencyKey, fingerprint: fingerprintOf(body) },
  };
}

/** Null where none was sent. */
function readIdempotencyKey(headers: Headers): string | null {
  const key = headers.get('idempotency-key');
  if (key === null) return null;
  if (key.length >= 1 && key.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX) return key;
  throw new AppError('invalid_parameter', {
    param: 'Idempotency-Key',
    message: `The header "Idempotency-Key" must have 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters.`,
  });
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

function notYet(param: string, advice: string): AppError {
  return new AppError('invalid_parameter', {
    param,
    message: `"${param}" is not available in this version. ${advice}`,
  });
}
