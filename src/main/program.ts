/** The composition root of the program `earshot`: one command, with the services that it needs. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { accountCommands } from '../cli/account.ts';
import { CommandError, runCommand, type Command, type Terminal } from '../cli/command.ts';
import { doctorCommand } from '../cli/doctor.ts';
import { completionCommand } from '../cli/completion.ts';
import type { EngineChoice } from '../cli/ears.ts';
import { evaluateCommand } from '../cli/evaluate.ts';
import { keyCommands } from '../cli/key.ts';
import { ledgerCommands } from '../cli/ledger.ts';
import { modelCommands } from '../cli/model.ts';
import { priceCommands } from '../cli/price.ts';
import { quickstartCommand } from '../cli/quickstart.ts';
import { serveCommand } from '../cli/serve.ts';
import { statementCommand } from '../cli/statement.ts';
import { transcribeCommand } from '../cli/transcribe.ts';
import { usageCommand } from '../cli/usage.ts';
import { userCommands } from '../cli/user.ts';
import { webhookCommands } from '../cli/webhook.ts';
import { Earshot } from '../client/client.ts';
import { ConfigError, loadConfig, type Config } from '../config/load.ts';
import { systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Books } from './books.ts';
import { chooseEngine } from './choose-engine.ts';
import { onlyGlm } from './only-glm.ts';
import { createLogger } from './logger.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs the command that `words` name, and gives its exit code. */
export async function earshot(words: readonly string[], environment: Environment, terminal: Terminal): Promise<number> {
  try {
    return await runCommand(commands(environment), words, terminal);
  } catch (error) {
    if (error instanceof ConfigError) {
      terminal.error(error.message);
      return 2;
    }
    const sentence = operatingError(error);
    if (sentence === null) throw error;
    terminal.error(sentence);
    return 1;
  }
}

/** What the operator can mend, in a sentence; null for a bug, which is shown with its stack. */
function operatingError(error: unknown): string | null {
  if (error instanceof AppError)
    return error.detail === undefined ? error.message : `${error.message} (${error.detail})`;
  // Errors of the database and of the system have a code: a port in use, a full disk, a folder that can't be written.
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.message;
  return null;
}

/** Aborted by Ctrl-C. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => interrupted.abort(new CommandError('Interrupted.')));
  }
  return interrupted.signal;
}

/** Each loads what it needs when it runs: nobody who asks for help waits for an engine's code. */
function commands(environment: Environment): Command[] {
  const configure = (overrides = {}): Config => loadConfig(environment, overrides);
  const books = async (): Promise<Books> => {
    const config = configure();
    const { openBooks } = await import('./books.ts');
    const { commandChanges } = await import('./command-changes.ts');
    const opened = await openBooks(config, 'command', systemClock, createLogger(config.logLevel));
    return { ...opened, ...commandChanges(opened) };
  };
  const listen = async (config: Config) => {
    const { openEars } = await import('./ears.ts');
    // A person who runs one file wants its text, not a log; with LOG_LEVEL set, the log is theirs.
    const opened = openEars(config, tmpdir(), systemClock, createLogger(environment['LOG_LEVEL'] ?? 'silent'));
    return { ...opened, signal: interruption() };
  };
  const ears = async (choice: EngineChoice = { engine: null, model: null }) => {
    const { config, model } = chooseEngine(configure(), choice);
    // One command's recordings wait for one another: there is nobody whose turn a full queue would guard.
    const limits = { ...config.limits, queue_audio_seconds: Number.MAX_SAFE_INTEGER };
    return { ...(await listen({ ...config, limits })), model };
  };
  const all: Command[] = [
    quickstartCommand({
      program: join(import.meta.dirname, '../main.js'),
      sample: join(import.meta.dirname, '../../samples/sense-and-sensibility.mp3'),
      environment,
    }),
    serveCommand(async ({ port, host }, to) => {
      const config = configure({ PORT: port, HOST: host });
      const { serve } = await import('./serve.ts');
      return await serve(config, to, systemClock, createLogger(config.logLevel));
    }),
    ...accountCommands(books),
    ...keyCommands(books),
    ...priceCommands(books, systemClock),
    usageCommand(books, systemClock),
    statementCommand(books),
    ...ledgerCommands(books),
    ...webhookCommands(books),
    ...userCommands(books, (token) => {
      const { publicUrl, host, port } = configure();
      const base = publicUrl?.replace(/\/+$/, '') ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
      return `${base}/dashboard/setup?token=${token}`;
    }),
    transcribeCommand({
      open: ears,
      connect: (baseUrl, key) => new Earshot({ baseUrl, key }),
      key: environment['EARSHOT_KEY'] ?? null,
      interruption,
      input: process.stdin,
      temporaryDirectory: tmpdir(),
      clock: systemClock,
      progressStream: process.stderr,
    }),
    evaluateCommand({ open: ears, clock: systemClock, progressStream: process.stderr }),
    ...modelCommands({
      get: fetch,
      ears: async (directory) => listen(onlyGlm(configure(), resolve(directory))),
      interruption,
      stream: process.stderr,
    }),
    doctorCommand(async (live) => {
      const config = configure();
      const { doctorChecks } = await import('./checks.ts');
      return doctorChecks(config, live, systemClock, createLogger(config.logLevel));
    }),
  ];
  return [...all, completionCommand(all)];
}
