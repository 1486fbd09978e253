/**
 * Reads the configuration once: environment, then the JSON file that it names. Every mistake is reported at once, with
 * its name and how to mend it. The environment comes as an argument: `main.ts` alone reads `process.env`.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { isAddressRange } from '../core/address-list.ts';
import {
  environmentSchema,
  fileSchema,
  zaiSchema,
  type ConfigFile,
  type EngineInFile,
  type Environment,
  type Keep,
  type Limits,
  type ListPrice,
  type ModelInFile,
} from './schema.ts';

/** An engine with all its settings. */
export type EngineConfig =
  | Exclude<EngineInFile, { type: 'zai' }>
  | (Extract<EngineInFile, { type: 'zai' }> & { base_url: string });

export interface ModelConfig {
  readonly id: string;
  /** Names and weights: entries in the order of preference, the engines of one entry share the work. */
  readonly engines: readonly Readonly<Record<string, number>>[];
  readonly audioTokensPerMinute: number;
  readonly listPrice: ListPrice | null;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | null;
  readonly trustedProxies: readonly string[];
  readonly operatorToken: string | null;
  readonly dataDirectory: string;
  /** `sqlite:` and an absolute path, or `postgres://…` with its password: not for logs. */
  readonly databaseUrl: string;
  readonly keyPepper: string | null;
  readonly fetchAllow: readonly string[];
  readonly allowStandIn: boolean;
  readonly logLevel: Environment['LOG_LEVEL'];
  readonly engines: Engines;
  readonly models: readonly ModelConfig[];
  readonly limits: Limits;
  readonly keep: Keep;
}

/** All that is wrong with the configuration, one sentence a line. The process ends with code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(['The configuration has mistakes:', ...mistakes.map((mistake) => `- ${mistake}`)].join('\n'));
    this.mistakes = mistakes;
  }
}

const SQLITE = 'sqlite:';
const ZAI_BASE_URL = 'https://api.z.ai/api/paas/v4';

export type Variables = Readonly<Record<string, string | undefined>>;

/** @param overrides what the command line says of `PORT` and `HOST`; it wins over the environment. */
export function loadConfig(variables: Variables, overrides: Variables = {}): Config {
  const mistakes: string[] = [];
  // An override that is absent leaves the environment as it is.
  const present = [variables, overrides].flatMap((source) =>
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  );
  const environment = readEnvironment(Object.fromEntries(present), mistakes);
  const file = readConfigFile(environment.EARSHOT_CONFIG, variables, mistakes);
  mistakes.push(...missingPepper(environment), ...wrongCidrs(environment));
  if (file === null) throw new ConfigError(mistakes);
  const dataDirectory = resolve(environment.DATA_DIR ?? '.');
  const engines = completed(file.engines, environment, dataDirectory, mistakes);
  const models = file.models ?? defaultModels(engines);
  mistakes.push(...unknownEngines(models, engines));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return freeze(toConfig(environment as Environment, { engines, models, limits: file.limits, keep: file.keep }));
}

type Engines = Readonly<Record<string, EngineConfig>>;
type Models = Readonly<Record<string, ModelInFile>>;

/** The file's engines with all their settings, and the engine `zai` of the environment where the file defines none of this name. */
function completed(
  inFile: ConfigFile['engines'],
  { ZAI_API_KEY: apiKey, ZAI_BASE_URL: baseUrl }: Partial<Environment>,
  dataDirectory: string,
  mistakes: string[],
): Engines {
  const fromEnvironment = apiKey === undefined ? {} : { zai: zaiSchema.parse({ type: 'zai', api_key: apiKey }) };
  const engines: ConfigFile['engines'] = { ...fromEnvironment, ...inFile };
  if (baseUrl !== undefined && !Object.values(engines).some(({ type }) => type === 'zai')) {
    mistakes.push('ZAI_BASE_URL: there is no Z.ai engine to use it; set ZAI_API_KEY too, or unset it.');
  }
  const complete = Object.entries(engines).map(([id, engine]): [string, EngineConfig] => {
    // The weights lie under the data folder, unless their path says otherwise.
    if (engine.type === 'glm') return [id, { ...engine, path: resolve(dataDirectory, engine.path) }];
    if (engine.type !== 'zai') return [id, engine];
    return [id, { ...engine, base_url: engine.base_url ?? baseUrl ?? ZAI_BASE_URL }];
  });
  return Object.fromEntries(complete);
}

/** The models where the file names none. */
function defaultModels(engines: Engines): Models {
  return {
    'glm/glm-asr-2512': {
      engines: [...(engines['zai'] === undefined ? [] : [{ zai: 1 }]), { embedded: 1 }],
      list_price: { input_usd_per_1m: '0.03', output_usd_per_1m: '0.03' },
      audio_tokens_per_minute: 80_000,
    },
    'moonshine/tiny': {
      engines: [{ embedded: 1 }],
      list_price: { usd_per_second: '0' },
      audio_tokens_per_minute: 80_000,
    },
  };
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function toConfig(
  environment: Environment,
  file: { readonly engines: Engines; readonly models: Models; readonly limits: Limits; readonly keep: Keep },
): Config {
  const dataDirectory = resolve(environment.DATA_DIR);
  return {
    host: environment.HOST,
    port: environment.PORT,
    publicUrl: environment.EARSHOT_PUBLIC_URL ?? null,
    trustedProxies: environment.EARSHOT_TRUSTED_PROXIES,
    operatorToken: environment.EARSHOT_OPERATOR_TOKEN ?? null,
    dataDirectory,
    databaseUrl: databaseUrl(environment.DATABASE_URL, dataDirectory),
    keyPepper: environment.EARSHOT_KEY_PEPPER ?? null,
    fetchAllow: environment.EARSHOT_FETCH_ALLOW,
    allowStandIn:
      environment.EARSHOT_ALLOW_STAND_IN ??
      (isLoopbackHost(environment.HOST) && environment.EARSHOT_PUBLIC_URL === undefined),
    logLevel: environment.LOG_LEVEL,
    engines: file.engines,
    models: Object.entries(file.models).map(([id, model]) => ({
      id,
      engines: model.engines,
      audioTokensPerMinute: model.audio_tokens_per_minute,
      listPrice: model.list_price ?? null,
    })),
    limits: file.limits,
    keep: file.keep,
  };
}

/** Each variable by itself, so that a mistake in one hides none of another; what is wrong is left out. */
function readEnvironment(present: Variables, mistakes: string[]): Partial<Environment> {
  const read = Object.entries(environmentSchema.shape).flatMap(([name, schema]) => {
    const result = schema.safeParse(present[name]);
    if (result.success) return [[name, result.data] as const];
    mistakes.push(...result.error.issues.map((issue) => `${name}: ${issue.message}.`));
    return [];
  });
  return Object.fromEntries(read) as Partial<Environment>;
}

/** The file's content; the defaults where none is named, null after a mistake. */
function readConfigFile(path: string | undefined, variables: Variables, mistakes: string[]): ConfigFile | null {
  const before = mistakes.length;
  const value = path === undefined ? {} : substitute(readJson(path, mistakes), variables, mistakes);
  if (mistakes.length > before) return null;
  const result = fileSchema.safeParse(value);
  if (result.success) return result.data;
  mistakes.push(...result.error.issues.map((issue) => `EARSHOT_CONFIG: ${sentence(issue)}`));
  return null;
}

function readJson(path: string, mistakes: string[]): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? `is not valid JSON (${error.message})` : 'cannot be read';
    mistakes.push(`EARSHOT_CONFIG: the file ${path} ${reason}.`);
    return null;
  }
}

function sentence(issue: z.core.$ZodIssue): string {
  const place = issue.path.length === 0 ? 'the file' : issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return `${place}: unknown member ${issue.keys.map((key) => `"${key}"`).join(', ')}; remove it or correct its name.`;
  }
  if (issue.code === 'invalid_key') return `${place}: ${issue.issues[0]?.message ?? issue.message}.`;
  return `${place}: ${issue.message}.`;
}

function substitute(value: unknown, variables: Variables, mistakes: string[]): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      const found = variables[name];
      if (found === undefined)
        mistakes.push(`EARSHOT_CONFIG: \${${name}} is used, but the environment has no ${name}.`);
      return found ?? '';
    });
  }
  if (Array.isArray(value)) return value.map((item) => substitute(item, variables, mistakes));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, variables, mistakes)]));
}

/** One made by the first server would be unknown to the next one, which may run on another machine. */
function missingPepper({ DATABASE_URL: url, EARSHOT_KEY_PEPPER: pepper }: Partial<Environment>): string[] {
  if (url === undefined || url.startsWith(SQLITE) || pepper !== undefined) return [];
  return [
    'EARSHOT_KEY_PEPPER: is needed with PostgreSQL, the same for every server; make one with `openssl rand -hex 32`.',
  ];
}

function databaseUrl(url: string | undefined, dataDirectory: string): string {
  if (url !== undefined && !url.startsWith(SQLITE)) return url;
  return `${SQLITE}${resolve(url?.slice(SQLITE.length) ?? `${dataDirectory}/earshot.db`)}`;
}

function wrongCidrs({ EARSHOT_TRUSTED_PROXIES: entries = [] }: Partial<Environment>): string[] {
  return entries
    .filter((entry) => !isAddressRange(entry))
    .map((entry) => `EARSHOT_TRUSTED_PROXIES: "${entry}" is no address or CIDR such as 10.0.0.0/8.`);
}

function unknownEngines(models: Models, engines: Engines): string[] {
  return Object.entries(models).flatMap(([id, model]) =>
    model.engines
      .flatMap((weights) => Object.keys(weights))
      .filter((engine) => engines[engine] === undefined)
      .map((engine) => `EARSHOT_CONFIG: models.${id}.engines: there is no engine "${engine}" under engines.`),
  );
}

function freeze<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (item !== null && typeof item === 'object') freeze(item as object);
  return Object.freeze(value);
}
