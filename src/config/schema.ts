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
  ZAI_API_KEY: z.string().optional(),
  ZAI_BASE_URL: z.string().optional(),
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

const listPriceSchema = z.union(
  [
    z.strictObject({ input_usd_per_1m: decimalUsd, output_usd_per_1m: decimalUsd }),
    z.strictObject({ usd_per_second: decimalUsd }),
  ],
  'must be {"input_usd_per_1m", "output_usd_per_1m"} or {"usd_per_second"} with decimal strings',
);

const modelSchema = z.strictObject({
  engines: z.array(name, 'must be a list of engine names').min(1, 'must name at least one engine'),
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
});

/** The JSON file. Engine types that this version lacks are named in the message, so that nobody waits for them. */
export const fileSchema = z.strictObject(
  {
    engines: z
      .record(
        name,
        z.discriminatedUnion(
          'type',
          [moonshineSchema],
          'must have the type "moonshine": this version has no other engine yet',
        ),
      )
      .default({ embedded: { type: 'moonshine', workers: 2 } }),
    models: z
      .record(z.string().regex(/^[A-Za-z0-9._/-]{1,100}$/, 'must be a model id such as glm/glm-asr-2512'), modelSchema)
      .default({
        'glm/glm-asr-2512': {
          engines: ['embedded'],
          list_price: { input_usd_per_1m: '0.03', output_usd_per_1m: '0.03' },
          audio_tokens_per_minute: 80_000,
        },
        'moonshine/tiny': {
          engines: ['embedded'],
          list_price: { usd_per_second: '0' },
          audio_tokens_per_minute: 80_000,
        },
      }),
    limits: limitsSchema.prefault({}),
  },
  'must be one JSON object',
);

export type Environment = z.infer<typeof environmentSchema>;
export type ConfigFile = z.infer<typeof fileSchema>;
export type Limits = z.infer<typeof limitsSchema>;
export type ListPrice = z.infer<typeof listPriceSchema>;
export type EngineConfig = z.infer<typeof moonshineSchema>;

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

function isHttpOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return (
    url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/' && url.search === ''
  );
}
