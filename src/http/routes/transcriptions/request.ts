/**
 * What `POST /v1/audio/transcriptions` takes: OpenAI's fields. What the engines here cannot honour, and what nobody knows,
 * becomes a warning that names it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import type { Warning } from '../../../core/transcript.ts';
import { FORMATS, TIMED_FORMATS, type Format } from '../../../recognize/render/render.ts';
import type { OpenAudio, TranscribeRequest } from '../../../transcribe/transcribe.ts';
import { parseBody } from '../../body.ts';
import type { Form, FormField } from '../../form.ts';

/** How the caller wants its answer. */
export interface Presentation {
  readonly format: Format;
  readonly stream: boolean;
  /** ISO 639-1; null where the caller named none. */
  readonly language: string | null;
}

const PROMPT_CHARACTERS_MAX = 8_000;
const HOTWORDS_MAX = 100;
const HOTWORD_CHARACTERS_MAX = 200;

const NOT_HONOURED = 'Taken for the sake of clients that send it; it comes back as a warning.';

const TRUTH = { true: true, false: false, '1': true, '0': false } as const;

export const transcriptionFields = z.strictObject({
  model: z
    .string('must be the name of a model')
    .min(1, 'must be the name of a model')
    .max(100, 'must be the name of a model'),
  language: z
    .string()
    .regex(/^[a-z]{2}$/, 'must be a language code of ISO 639-1 such as "en"')
    .optional()
    .describe('A hint, ISO 639-1.'),
  prompt: z
    .string()
    .max(PROMPT_CHARACTERS_MAX, 'must have at most 8,000 characters')
    .optional()
    .describe('Earlier text as context.'),
  response_format: z.enum(FORMATS, `must be one of ${FORMATS.join(', ')}`).default('json'),
  stream: z
    .enum(['true', 'false', '1', '0'], 'must be true or false')
    .transform((text) => TRUTH[text])
    .default(false)
    .describe('With `json` or `text`: server-sent events.'),
  temperature: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?|\.\d+)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .default(0)
    .describe('Above 0 it comes back as a warning: the engines take the likeliest text.'),
  timestamp_granularities: z
    .array(z.enum(['segment', 'word'], 'must be "segment" or "word"'))
    .default([])
    .describe('`segment`, with `verbose_json`; `word` comes back as a warning.'),
  keywords: z
    .array(z.string().min(1, 'must not be empty').max(HOTWORD_CHARACTERS_MAX, 'must have at most 200 characters'))
    .max(HOTWORDS_MAX, 'must have at most 100 entries')
    .default([])
    .describe('Words that may occur.'),
  languages: z.array(z.string()).default([]).describe(NOT_HONOURED),
  include: z.array(z.string()).default([]).describe(NOT_HONOURED),
  chunking_strategy: z.string().optional().describe('`auto` is what always happens.'),
  known_speaker_names: z.array(z.string()).default([]).describe(NOT_HONOURED),
  known_speaker_references: z.array(z.string()).default([]).describe(NOT_HONOURED),
});

type Fields = z.infer<typeof transcriptionFields>;

/** Fields that may stand there several times, also with `[]` behind their names. */
export const LISTS: ReadonlySet<string> = new Set(
  Object.entries(transcriptionFields.shape).flatMap(([name, schema]) =>
    schema instanceof z.ZodDefault && schema.unwrap() instanceof z.ZodArray ? [name] : [],
  ),
);

/** Throws an `AppError` that names the field. */
export function readTranscriptionRequest(
  form: Form<OpenAudio>,
  idempotencyKey: string | null,
): { readonly request: TranscribeRequest; readonly presentation: Presentation } {
  const { known, unknown } = sorted(form.fields);
  const fields = parseBody(transcriptionFields, known);
  if (form.file === null) {
    throw new AppError('invalid_parameter', { param: 'file', message: 'The part "file" with the audio is missing.' });
  }
  const { model, language, prompt, response_format: format, stream, keywords } = fields;
  if (stream && format !== 'json' && format !== 'text') {
    const message = `A reply that streams has no place for the format "${format}". Leave "stream" out, or send "json".`;
    throw new AppError('invalid_parameter', { param: 'stream', message });
  }
  const request: TranscribeRequest = {
    model,
    audio: { kind: 'upload', audio: form.file },
    hints: {
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined || prompt === '' ? {} : { prompt }),
      ...(keywords.length === 0 ? {} : { hotwords: keywords }),
    },
    timestamps: TIMED_FORMATS.has(format),
    warnings: [...notHonoured(fields), ...unknown.map(unknownField)],
    clientRequestId: null,
    userId: null,
    idempotency:
      idempotencyKey === null ? null : { key: idempotencyKey, fingerprint: fingerprintOf(form, fields, unknown) },
    later: null,
  };
  return { request, presentation: { format, stream, language: language ?? null } };
}

/** Known fields as the schema wants them, and the names of the others. Throws where one stands there twice that may not. */
function sorted(fields: readonly FormField[]): { known: Record<string, string | string[]>; unknown: string[] } {
  const known: Record<string, string | string[]> = {};
  const unknown = new Set<string>();
  for (const { name: written, value } of fields) {
    const name = written.replace(/\[\]$/, '');
    const before = known[name];
    if (!Object.hasOwn(transcriptionFields.shape, name)) unknown.add(written);
    else if (LISTS.has(name)) known[name] = [...(Array.isArray(before) ? before : []), value];
    else if (before === undefined) known[name] = value;
    else {
      const message = `The field "${name}" stands there twice. Send it once.`;
      throw new AppError('invalid_parameter', { param: name, message });
    }
  }
  return { known, unknown: [...unknown] };
}

function notHonoured(fields: Fields): Warning[] {
  const { temperature, timestamp_granularities: granularities, response_format: format } = fields;
  const reasons: readonly (readonly [param: string, isAsked: boolean, reason: string])[] = [
    ['temperature', temperature !== 0, 'The engines here always take the likeliest text.'],
    ['timestamp_granularities[]', granularities.includes('word'), 'There are times for segments only.'],
    [
      'timestamp_granularities[]',
      granularities.includes('segment') && !TIMED_FORMATS.has(format),
      `The format "${format}" has no place for times; "verbose_json" has.`,
    ],
    ['languages[]', fields.languages.length > 0, 'Name one language in "language", or none.'],
    ['include[]', fields.include.length > 0, 'There is nothing more to include.'],
    [
      'chunking_strategy',
      fields.chunking_strategy !== undefined && fields.chunking_strategy !== 'auto',
      'Audio is always cut in pauses by its speech.',
    ],
    ['known_speaker_names[]', fields.known_speaker_names.length > 0, 'Speakers are not told apart.'],
    ['known_speaker_references[]', fields.known_speaker_references.length > 0, 'Speakers are not told apart.'],
  ];
  return reasons
    .filter(([, isAsked]) => isAsked)
    .map(([param, , reason]) => ({
      code: 'parameter_not_supported',
      message: `The field "${param}" could not be honoured. ${reason}`,
      param,
    }));
}

function unknownField(param: string): Warning {
  return { code: 'parameter_unknown', message: `There is no field "${param}" here; it was left out.`, param };
}

/** Boundaries change at every call: what counts are the parsed fields, in the schema's order, and the file's digest. */
function fingerprintOf(form: Form<OpenAudio>, fields: Fields, unknown: readonly string[]): string {
  const others = form.fields.filter(({ name }) => unknown.includes(name));
  return createHash('sha256')
    .update(`POST /v1/audio/transcriptions ${JSON.stringify([fields, others, form.fileSha256])}`)
    .digest('hex');
}
