/**
 * The product once, as a new user meets it: a server on a free port, an account, a wholesale key, the bundled recording
 * served over HTTP, and the call of the API's own quickstart. Nothing in it knows more than a user would.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommandError, EXIT, type Command, type Terminal } from './command.ts';

export interface QuickstartOptions {
  /** The compiled program that this process runs. */
  readonly program: string;
  /** The bundled recording. */
  readonly sample: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const START_MS_MAX = 60_000;

export function quickstartCommand(options: QuickstartOptions): Command {
  return {
    name: 'quickstart',
    summary:
      'Starts a server in a temporary folder, makes a key, transcribes the bundled recording and prints the reply.',
    options: {},
    example: 'npm run quickstart',
    run: (_, terminal) => quickstart(options, terminal),
  };
}

async function quickstart(options: QuickstartOptions, terminal: Terminal): Promise<number> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'earshot-quickstart-'));
  const recordings = await serveFile(options.sample);
  const samplePort = (recordings.address() as AddressInfo).port;
  const environment = {
    PATH: options.environment['PATH'],
    DATA_DIR: dataDirectory,
    EARSHOT_FETCH_ALLOW: `127.0.0.1:${samplePort}`,
    LOG_LEVEL: 'warn',
  };
  const server = spawn(process.execPath, [options.program, 'serve', '--port', '0'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    server.kill('SIGTERM');
  };
  // A second signal must not cut the cleaning up short.
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    terminal.error('Starting a server with the embedded engine …');
    const url = await listeningUrl(server);
    const earshot = async (...words: string[]): Promise<Record<string, string>> => {
      const { stdout } = await promisify(execFile)(process.execPath, [options.program, ...words, '--json'], {
        env: environment,
      });
      return JSON.parse(stdout) as Record<string, string>;
    };
    const { account_id: account = '' } = await earshot('account', 'create', '--name', 'quickstart');
    const { key = '' } = await earshot('key', 'create', '--account', account, '--cap-usd', '1');
    const body = { model: 'glm/glm-asr-2512', inputs: { audio: `http://127.0.0.1:${samplePort}/sample.mp3` } };
    terminal.error(`\nPOST ${url}/v1/run\n${JSON.stringify(body)}\n`);
    const response = await fetch(`${url}/v1/run`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const reply = (await response.json()) as { cost_usd?: string };
    terminal.out(JSON.stringify(reply, null, 2));
    if (!response.ok) throw new CommandError(`The call was answered with ${response.status}.`);
    terminal.error(`\nIt cost $${reply.cost_usd} and is in the ledger. Next: npm start, then the README.`);
    return EXIT.ok;
  } catch (error) {
    throw interrupted ? new CommandError('Interrupted.') : error;
  } finally {
    recordings.close();
    await stop(server);
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

async function serveFile(path: string): Promise<Server> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'audio/mpeg');
    createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** The address in the line that `serve` prints once it is ready. */
async function listeningUrl(server: ChildProcess): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const listening = new Promise<string>((resolve, reject) => {
    let output = '';
    timer = setTimeout(() => reject(new CommandError('The server did not start in time.')), START_MS_MAX);
    server.once('exit', () =>
      reject(new CommandError('The server ended before it was ready; its messages stand above.')),
    );
    server.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const url = /^earshot listening on (\S+)$/m.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  try {
    return await listening;
  } finally {
    clearTimeout(timer);
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await gone;
}
