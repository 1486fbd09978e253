#!/usr/bin/env node
/** The composition root and the program `earshot`: configuration, then one command with the services that it needs. */
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accountCommands } from './cli/account.ts';
import { CommandError, runCommand, type Command, type Terminal } from './cli/command.ts';
import { doctorCommand } from './cli/doctor.ts';
import { keyCommands } from './cli/key.ts';
import { ledgerCommands } from './cli/ledger.ts';
import { priceCommands } from './cli/price.ts';
import { quickstartCommand } from './cli/quickstart.ts';
import { serveCommand } from './cli/serve.ts';
import { statementCommand } from './cli/statement.ts';
import { transcribeCommand } from './cli/transcribe.ts';
import { usageCommand } from './cli/usage.ts';
import { ConfigError, loadConfig, type Config } from './config/load.ts';
import { systemClock } from './core/clock.ts';
import { AppError } from './core/errors.ts';
import { openBooks, type Books } from './main/books.ts';
import { doctorChecks } from './main/checks.ts';
import { openEars } from './main/ears.ts';
import { createLogger } from './main/logger.ts';
import { serve } from './main/serve.ts';

const program = fileURLToPath(import.meta.url);
const terminal: Terminal = {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
};
process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  try {
    return await runCommand(commands(), words, terminal);
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

function commands(): Command[] {
  const configure = (overrides = {}): Config => loadConfig(process.env, overrides);
  const books = async (): Promise<Books> => {
    const config = configure();
    return openBooks(config, 'command', systemClock, createLogger(config.logLevel));
  };
  const ears = async () => {
    const config = configure();
    // A person who runs one file wants its text, not a log; with LOG_LEVEL set, the log is theirs.
    const opened = openEars(config, tmpdir(), systemClock, createLogger(process.env['LOG_LEVEL'] ?? 'silent'));
    const interrupted = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.on(signal, () => interrupted.abort(new CommandError('Interrupted.')));
    }
    return { ...opened, signal: interrupted.signal };
  };
  return [
    quickstartCommand({
      program,
      sample: join(dirname(program), '../samples/sense-and-sensibility.mp3'),
      environment: process.env,
    }),
    serveCommand(({ port, host }, to) => {
      const config = configure({ PORT: port, HOST: host });
      return serve(config, to, systemClock, createLogger(config.logLevel));
    }),
    ...accountCommands(books),
    ...keyCommands(books),
    ...priceCommands(books, systemClock),
    usageCommand(books, systemClock),
    statementCommand(books),
    ...ledgerCommands(books),
    transcribeCommand(ears),
    doctorCommand(() => {
      const config = configure();
      return doctorChecks(config, systemClock, createLogger(config.logLevel));
    }),
  ];
}
