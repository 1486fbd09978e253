/** The one schema of the configuration: environment variables and the optional JSON file. Defaults stand beside it and are finite. */
import { z } from 'zod';

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

const whole = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
};

const hostAndPort = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/;

const KEY = /^[\x21-\x7e]{1,1000}$/;
const KEY_MISTAKE = 'must be a key without spaces';

/** Where an engine's API begins. Slashes at its end are taken away, so that paths can follow. */
const BASE_URL_MISTAKE =
  'must be an http or https address without user, password and query, such as https://api.example.com/v1';
const baseUrl = z
  .string(BASE_URL_MISTAKE)
  .refine(isBaseUrl, BASE_URL_MISTAKE)
  .transform((text) => text.replace(/\/+$/, ''));

/** Environment variables; all are strings, and an empty one counts as absent. */
export const environmentSchema = z.object({
  PORT: wholeNumber(0, 65_535).default(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  EARSHOT_PUBLIC_URL: z
    .string()
    .refine(isHttpOrigin, 'must be an http or https address such as https://speech.example.com')
    .optional(),
  EARSHOT_TRUSTED_PROXIES: z.string().default('').transform(splitList),
  EARSHOT_OPERATOR_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  DATA_DIR: z.string().min(1).default('./data'),
  DATABASE_URL: z
    .string()
    .refine(isDatabaseUrl, 'must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME')
    .optional(),
  EARSHOT_CONFIG: z.string().optional(),
  EARSHOT_KEY_PEPPER: z.string().min(32, 'must have at least 32 characters').optional(),
  EARSHOT_FETCH_ALLOW: z
    .string()
    .default('')
    .transform(splitList)
    .refine(
      (entries) => entries.every(isHostAndPort),
      'must be a list of host:port, such as audio.internal:9000,[::1]:8000',
    ),
  ZAI_API_KEY: z.string().regex(KEY, KEY_MISTAKE).optional(),
  ZAI_BASE_URL: baseUrl.optional(),
  EARSHOT_ALLOW_STAND_IN: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .optional(),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
    .default('info'),
});

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be a name of small letters, digits, - and _');
const decimalUsd = z.string().regex(/^\d{1,10}(\.\d{1,9})?$/, 'must be a decimal string in US dollars such as "0.03"');

const moonshineSchema = z.strictObject({
  type: z.literal('moonshine'),
  workers: whole(1, 64).default(2),
});

const onTheNetwork = {
  /** Seconds for one attempt; `fetch` itself waits no longer than 300 for the beginning of a reply. */
  timeout_seconds: whole(1, 300).default(60),
};

/** `api_key` alone is enough: the environment gives no more. */
export const zaiSchema = z.strictObject({
  type: z.literal('zai'),
  api_key: z.string(KEY_MISTAKE).regex(KEY, KEY_MISTAKE),
  /** Where it is left out, `ZAI_BASE_URL` or the vendor's own address. */
  base_url: baseUrl.optional(),
  max_in_flight: whole(1, 1_000).default(5),
  ...onTheNetwork,
});

const modelNameMistake = 'must be the name that the server has for its model, such as "zai-org/GLM-ASR-Nano-2512"';

const openAiSchema = z
  .strictObject({
    type: z.literal('openai'),
    mode: z.enum(['chat', 'transcriptions'], 'must be "chat" or "transcriptions"'),
    base_url: baseUrl,
    api_key: z.string(KEY_MISTAKE).regex(KEY, KEY_MISTAKE).optional(),
    model: z.string(modelNameMistake).min(1, modelNameMistake).max(200, modelNameMistake),
    headers: z
      .record(
        z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of an HTTP header'),
        z.string('must be a string').regex(/^[\x20-\x7e]{1,1000}$/, 'must be a header value of printable characters'),
      )
      .default({}),
    max_in_flight: whole(1, 1_000).default(16),
    ...onTheNetwork,
    languages: z
      .array(z.string().regex(/^[a-z]{2}$/, 'must be a code of ISO 639-1 such as "en"'), 'must be a list of languages')
      .min(1, 'must name a language, or be left out')
      .optional(),
    prompt: z.boolean('must be true or false').default(false),
    timestamps: z.boolean('must be true or false').default(false),
    instruction: z
      .string('must be a text')
      .min(1, 'must be a text')
      .max(2_000, 'must have at most 2,000 characters')
      .optional(),
  })
  .check((context) => {
    for (const [path, message] of misplacedSettings(context.value)) {
      context.issues.push({ code: 'custom', path: [path], message, input: context.value });
    }
  });

const glmSchema = z.strictObject({
  type: z.literal('glm'),
  path: z.string('must be the folder that `earshot model convert` made').min(1, 'must not be empty'),
  workers: whole(1, 64).default(1),
  threads: whole(1, 256).optional(),
  batch: whole(1, 16).default(4),
  hints: z.boolean('must be true or false').default(false),
});

const listPriceSchema = z.union(
  [
    z.strictObject({ input_usd_per_1m: decimalUsd, output_usd_per_1m: decimalUsd }),
    z.strictObject({ usd_per_second: decimalUsd }),
  ],
  'must be {"input_usd_per_1m", "output_usd_per_1m"} or {"usd_per_second"} with decimal strings',
);

const ENGINES_IN_TURN =
  'must be the name of an engine, or names with weights from 1 to 1000 such as {"cluster-a": 3, "cluster-b": 1}';

/** One engine, or several with their weights, which share the work. */
const enginesInTurn = z.union(
  [
    name.transform((engine) => ({ [engine]: 1 })),
    z.record(name, whole(1, 1_000)).refine((weights) => Object.keys(weights).length > 0, ENGINES_IN_TURN),
  ],
  ENGINES_IN_TURN,
);

const modelSchema = z.strictObject({
  engines: z.array(enginesInTurn, 'must be a list of engines').min(1, 'must name at least one engine'),
  list_price: listPriceSchema.optional(),
  audio_tokens_per_minute: whole(1, 10_000_000).default(80_000),
});

const limitsSchema = z.strictObject({
  download_bytes: whole(1, 2 ** 40).default(2 ** 30),
  download_seconds: whole(1, 3_600).default(60),
  audio_seconds: whole(1, 86_400).default(14_400),
  call_seconds: whole(1, 86_400).default(600),
  queue_audio_seconds: whole(1, 10_000_000).default(28_800),
  requests_per_minute: whole(1, 1_000_000).default(600),
  concurrency: whole(1, 10_000).default(32),
  decoders: whole(1, 64).default(2),
  jobs: whole(1, 1_000).default(2),
  job_seconds: whole(1, 86_400).default(21_600),
  job_result_hours: whole(1, 8_760).default(168),
  account_jobs: whole(1, 1_000_000).default(10_000),
  account_job_bytes: whole(1, 2 ** 40).default(2 ** 30),
});

const keepSchema = z.strictObject({
  urls: z.boolean('must be true or false').default(false),
  transcripts: z.boolean('must be true or false').default(false),
  days: whole(1, 3_650).default(30),
});

const enginesMistake = 'must have the type "moonshine", "glm", "zai" or "openai"';

/** The JSON file. Engine types that this version lacks are named in the message, so that nobody waits for them. */
export const fileSchema = z.strictObject(
  {
    engines: z
      .record(name, z.discriminatedUnion('type', [moonshineSchema, glmSchema, zaiSchema, openAiSchema], enginesMistake))
      .default({ embedded: { type: 'moonshine', workers: 2 } }),
    models: z
      .record(z.string().regex(/^[A-Za-z0-9._/-]{1,100}$/, 'must be a model id such as glm/glm-asr-2512'), modelSchema)
      // What holds where it is left out depends on the engines: see `load.ts`.
      .optional(),
    limits: limitsSchema.prefault({}),
    /** What the dashboard can show of a call beside its figures. */
    keep: keepSchema.prefault({}),
  },
  'must be one JSON object',
);

export type Environment = z.infer<typeof environmentSchema>;
export type ConfigFile = z.infer<typeof fileSchema>;
export type Limits = z.infer<typeof limitsSchema>;
export type Keep = z.infer<typeof keepSchema>;
export type ListPrice = z.infer<typeof listPriceSchema>;
export type ModelInFile = z.infer<typeof modelSchema>;
export type EngineInFile = NonNullable<ConfigFile['engines']>[string];

/** Settings that mean nothing in the mode that was chosen: said aloud, never ignored. */
function* misplacedSettings(engine: {
  mode: 'chat' | 'transcriptions';
  prompt: boolean;
  timestamps: boolean;
  instruction?: string | undefined;
  api_key?: string | undefined;
  headers: Readonly<Record<string, string>>;
}): Generator<[setting: string, mistake: string]> {
  if (engine.mode === 'chat') {
    if (engine.prompt) yield ['prompt', 'needs the mode "transcriptions": a chat has no place for it'];
    if (engine.timestamps) yield ['timestamps', 'needs the mode "transcriptions": a chat gives none'];
  } else if (engine.instruction !== undefined) {
    yield ['instruction', 'needs the mode "chat"'];
  }
  const names = Object.keys(engine.headers).map((header) => header.toLowerCase());
  const ours = ['content-type', 'content-length', 'host', 'connection', 'transfer-encoding'];
  for (const header of names.filter((each) => ours.includes(each))) {
    yield ['headers', `may not name "${header}": it follows from the call`];
  }
  if (names.includes('authorization') && engine.api_key !== undefined) {
    yield ['headers', 'may not name "authorization" beside api_key: leave one of them out'];
  }
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function isHostAndPort(entry: string): boolean {
  const port = Number(hostAndPort.exec(entry)?.[2] ?? 0);
  return port >= 1 && port <= 65_535;
}

function isDatabaseUrl(text: string): boolean {
  if (text.startsWith('sqlite:')) return text !== 'sqlite:' && text !== 'sqlite::memory:';
  return /^postgres(ql)?:\/\/./.test(text) && URL.canParse(text);
}

function isBaseUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false;
  return url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}

function isHttpOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return (
    url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/' && url.search === ''
  );
}
