/** A real server for whole-server tests: the compiled program as a process of its own, and the recordings beside it over HTTP. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { earshot as earshotHere } from '../main/program.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
/** The program of the same build as this file. */
export const PROGRAM = resolve(import.meta.dirname, '../main.js');
export const FIXTURES = join(ROOT, 'fixtures/audio');
/** A configuration with one process of each kind, which starts soonest. An empty `EARSHOT_CONFIG` takes the default instead. */
export const ONE_OF_EACH = join(ROOT, 'fixtures/one-of-each.json');

/** The text of such a configuration with other limits, and with more settings. */
export function oneOfEachWith(limits: Readonly<Record<string, number>>, more: object = {}): string {
  const settings = JSON.parse(readFileSync(ONE_OF_EACH, 'utf8')) as { limits: object };
  return JSON.stringify({ ...settings, ...more, limits: { ...settings.limits, ...limits } });
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KeyStatus {
  readonly key_id: string;
  readonly spent_usd: string;
  readonly held_usd: string;
  readonly remaining_usd: string | null;
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
  readonly dataDirectory: string;
  /** The line that it printed behind the one with its address. */
  lineAfterListening(): Promise<string>;
  /** Everything that it wrote to standard error so far. */
  log(): string;
  /** Everything that it wrote to standard output so far. */
  printed(): string;
  /** Runs a command of the same installation, on the same data. */
  earshot(...words: string[]): Promise<Finished>;
  /** A new wholesale key in an account of its own. */
  createKey(...options: string[]): Promise<{ key: string; key_id: string; account_id: string }>;
  /** `POST /v1/run` as the API's quickstart shows it. */
  run(key: string, audio: string, more?: Record<string, unknown>, signal?: AbortSignal): Promise<Response>;
  /** `GET /v1/key`. */
  keyStatus(key: string): Promise<KeyStatus>;
  /** `earshot ledger verify`. */
  verify(): Promise<{ balanced: boolean; transactions: number; open_holds: number; differences: unknown[] }>;
  /** Ends the process with a signal and waits until it is gone; gives the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Starts it again on the same data after it has ended. */
  restart(): Promise<RunningServer>;
}

export interface ServerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly dataDirectory?: string;
}

export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'earshot-test-')));
  const environment = {
    PATH: process.env['PATH'],
    TMPDIR: process.env['TMPDIR'],
    DATA_DIR: dataDirectory,
    EARSHOT_CONFIG: ONE_OF_EACH,
    ...options.environment,
  };
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  let stdout = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const url = await new Promise<string>((found, failed) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
      const line = /^earshot listening on (\S+)$/m.exec(stdout);
      if (line?.[1] !== undefined) found(line[1]);
    });
    child.once('exit', (code) => failed(new Error(`The server ended with ${code} before it listened:\n${stderr}`)));
  });
  const earshot = (...words: string[]): Promise<Finished> => runCommand(words, environment);
  const json = async (...words: string[]): Promise<Record<string, string>> => {
    const { code, stdout: text, stderr: message } = await earshot(...words, '--json');
    if (code !== 0) throw new Error(`earshot ${words.join(' ')}: ${message}`);
    return JSON.parse(text) as Record<string, string>;
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    }
    return child.exitCode;
  };
  return {
    url,
    process: child,
    dataDirectory,
    async lineAfterListening() {
      for (;;) {
        const line = /^earshot listening on .*\n(.+)\n/m.exec(stdout)?.[1];
        if (line !== undefined) return line;
        await once(child.stdout, 'data');
      }
    },
    log: () => stderr,
    printed: () => stdout,
    earshot,
    async createKey(...more) {
      const { account_id = '' } = await json('account', 'create', '--name', 'test');
      const { key = '', key_id = '' } = await json('key', 'create', '--account', account_id, ...more);
      return { key, key_id, account_id };
    },
    run: (key, audio, more = {}, signal) =>
      fetch(`${url}/v1/run`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio }, ...more }),
        ...(signal === undefined ? {} : { signal }),
      }),
    keyStatus: async (key) => bodyOf(await fetch(`${url}/v1/key`, { headers: { 'x-api-key': key } })),
    verify: async () => JSON.parse((await earshot('ledger', 'verify', '--json')).stdout),
    end,
    restart: () => startServer({ ...options, dataDirectory }),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** The JSON body of a response, as the test expects it to be. */
export async function bodyOf<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

/** Commands that need nothing but the database. */
const DATABASE_COMMANDS = ['account', 'key', 'ledger', 'price', 'statement', 'usage', 'user', 'webhook'];

/**
 * Runs one command to its end. One that needs nothing but the database, and a help, run in this process: starting the
 * program costs several times as much. Every other command gets a process of its own.
 */
export function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finished> {
  const needsLittle = DATABASE_COMMANDS.includes(words[0] ?? '') || words.includes('--help');
  return needsLittle ? runHere(words, environment) : runProgram(words, environment);
}

/** Runs one command to its end in this process. */
export async function runHere(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  const code = await earshotHere(words, environment, {
    out: (text) => void (stdout += `${text}\n`),
    error: (text) => void (stderr += `${text}\n`),
  });
  return { code, stdout, stderr };
}

/** Runs one command to its end, as a process of its own. */
export function runProgram(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Finished> {
  return new Promise((resolveRun) => {
    const child = execFile(
      process.execPath,
      [PROGRAM, ...words],
      { env: environment, maxBuffer: 2 ** 26 },
      (_, stdout, stderr) => {
        resolveRun({ code: child.exitCode ?? -1, stdout, stderr });
      },
    );
  });
}

export interface RecordingServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`, for EARSHOT_FETCH_ALLOW. */
  readonly hostAndPort: string;
  /** The URL of a fixture, or of what `serve` put there. */
  url(name: string): string;
  /** Puts something else than a fixture at a name. */
  serve(name: string, answer: (request: IncomingMessage, response: ServerResponse) => void): string;
  /** Answers with a fixture. */
  send(name: string, response: ServerResponse): void;
}

function send(name: string, response: ServerResponse): void {
  const path = join(FIXTURES, name);
  stat(path).then(
    ({ size }) => {
      response.setHeader('content-length', size);
      createReadStream(path).pipe(response);
    },
    () => response.writeHead(404).end(),
  );
}

/** Serves the fixtures, and whatever a test puts beside them. */
export async function serveRecordings(): Promise<RecordingServer> {
  const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '/').slice(1));
    const answer = answers.get(name);
    if (answer !== undefined) return answer(request, response);
    send(name, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const hostAndPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = (name: string): string => `http://${hostAndPort}/${encodeURIComponent(name)}`;
  return {
    hostAndPort,
    url,
    serve(name, answer) {
      answers.set(name, answer);
      return url(name);
    },
    send,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
