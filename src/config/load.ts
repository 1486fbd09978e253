/**
 * Reads the configuration once: environment, then the JSON file that it names. Every mistake is reported at once, with
 * its name and how to mend it. Nothing else in the code base reads `process.env`.
 */
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';
import type { z } from 'zod';
import {
  environmentSchema,
  fileSchema,
  type ConfigFile,
  type EngineConfig,
  type Environment,
  type Limits,
  type ListPrice,
} from './schema.ts';

export interface ModelConfig {
  readonly id: string;
  readonly engines: readonly string[];
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
  readonly databasePath: string;
  readonly keyPepper: string | null;
  readonly fetchAllow: readonly string[];
  readonly allowStandIn: boolean;
  readonly logLevel: Environment['LOG_LEVEL'];
  readonly engines: Readonly<Record<string, EngineConfig>>;
  readonly models: readonly ModelConfig[];
  readonly limits: Limits;
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

export type Variables = Readonly<Record<string, string | undefined>>;

/** @param overrides what the command line says of `PORT` and `HOST`; it wins over the environment. */
export function loadConfig(variables: Variables, overrides: Variables = {}): Config {
  const mistakes: string[] = [];
  // An override that is absent leaves the environment as it is.
  const present = [variables, overrides].flatMap((source) =>
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  );
  const environment = read(environmentSchema, Object.fromEntries(present), '', mistakes);
  const file = read(
    fileSchema,
    readFile(environment?.EARSHOT_CONFIG, variables, mistakes),
    'EARSHOT_CONFIG: ',
    mistakes,
  );
  if (environment !== null) mistakes.push(...notYet(environment), ...wrongCidrs(environment.EARSHOT_TRUSTED_PROXIES));
  if (file !== null) mistakes.push(...unknownEngines(file));
  if (mistakes.length > 0 || environment === null || file === null) throw new ConfigError(mistakes);
  return freeze(toConfig(environment, file));
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function toConfig(environment: Environment, file: ConfigFile): Config {
  const dataDirectory = resolve(environment.DATA_DIR);
  return {
    host: environment.HOST,
    port: environment.PORT,
    publicUrl: environment.EARSHOT_PUBLIC_URL ?? null,
    trustedProxies: environment.EARSHOT_TRUSTED_PROXIES,
    operatorToken: environment.EARSHOT_OPERATOR_TOKEN ?? null,
    dataDirectory,
    databasePath: resolve(environment.DATABASE_URL?.slice('sqlite:'.length) ?? `${dataDirectory}/earshot.db`),
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
  };
}

function read<T extends z.ZodType>(schema: T, value: unknown, prefix: string, mistakes: string[]): z.infer<T> | null {
  if (value === null) return null;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) mistakes.push(sentence(issue, prefix));
  return null;
}

function sentence(issue: z.core.$ZodIssue, prefix: string): string {
  const place = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return `${prefix}${place === '' ? '' : `${place}: `}unknown member ${issue.keys.map((key) => `"${key}"`).join(', ')}; remove it or correct its name.`;
  }
  return `${prefix}${place}: ${issue.message}.`;
}

/** The file's content with `${NAME}` replaced; `{}` where none is configured, null after a mistake. */
function readFile(path: string | undefined, variables: Variables, mistakes: string[]): unknown {
  if (path === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? `is not valid JSON (${error.message})` : 'cannot be read';
    mistakes.push(`EARSHOT_CONFIG: the file ${path} ${reason}.`);
    return null;
  }
  return substitute(value, variables, mistakes);
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

/** Settings that are documented but that this version cannot honour: said aloud, never ignored. */
function notYet(environment: Environment): string[] {
  const mistakes: string[] = [];
  if (environment.ZAI_API_KEY !== undefined || environment.ZAI_BASE_URL !== undefined) {
    mistakes.push('ZAI_API_KEY, ZAI_BASE_URL: this version has no Z.ai engine yet; unset them.');
  }
  if (environment.DATABASE_URL !== undefined && !environment.DATABASE_URL.startsWith('sqlite:')) {
    mistakes.push('DATABASE_URL: this version works with sqlite:PATH only; PostgreSQL is not built in yet.');
  }
  return mistakes;
}

function wrongCidrs(entries: readonly string[]): string[] {
  return entries
    .filter((entry) => !isCidr(entry))
    .map((entry) => `EARSHOT_TRUSTED_PROXIES: "${entry}" is no address or CIDR such as 10.0.0.0/8.`);
}

function isCidr(entry: string): boolean {
  const [address = '', bits, rest] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || rest !== undefined) return false;
  if (bits === undefined) return true;
  try {
    new BlockList().addSubnet(address, /^\d{1,3}$/.test(bits) ? Number(bits) : -1, family === 6 ? 'ipv6' : 'ipv4');
    return true;
  } catch {
    return false;
  }
}

function unknownEngines(file: ConfigFile): string[] {
  return Object.entries(file.models).flatMap(([id, model]) =>
    model.engines
      .filter((engine) => file.engines[engine] === undefined)
      .map((engine) => `EARSHOT_CONFIG: models.${id}.engines: there is no engine "${engine}" under engines.`),
  );
}

function freeze<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (item !== null && typeof item === 'object') freeze(item as object);
  return Object.freeze(value);
}
