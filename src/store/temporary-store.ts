/**
 * For tests: a database of its own that goes with its store. Suites run on every database:
 *
 *     testOnEach('what is guaranteed', async (database) => {
 *       await using store = await openTemporaryStore({ database, clock });
 *     });
 *
 * `testOnEach` lies in `test-on-each.ts`. PostgreSQL is the one at `DATABASE_URL`, where that names one; otherwise the test
 * run starts one (`scripts/test.js`), or the process that needs it does. Each store has a schema of its own in it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import pg from 'pg';
import { sqliteFacts } from './facts.ts';
import { openStore, type Store, type StoreOptions } from './store.ts';

export const DATABASES = ['sqlite', 'postgres'] as const;
export type DatabaseName = (typeof DATABASES)[number];

export interface TemporaryDatabase extends AsyncDisposable {
  /** For `openStore`, here or in another process. */
  readonly url: string;
}

export type TemporaryStoreOptions = Omit<StoreOptions, 'url' | 'role'> & { readonly database?: DatabaseName };

export async function openTemporaryStore(options: TemporaryStoreOptions): Promise<Store & { readonly url: string }> {
  const database = await temporaryDatabase(options.database ?? 'sqlite');
  const store = await openStore({ ...options, role: 'server', url: database.url });
  return {
    ...store,
    url: database.url,
    async [Symbol.asyncDispose]() {
      await store.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** An empty database, not opened yet. */
export function temporaryDatabase(database: DatabaseName): Promise<TemporaryDatabase> {
  return database === 'sqlite' ? temporarySqlite() : temporaryPostgres();
}

export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'earshot-store-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Lets a test do the damage that the append-only tables refuse. */
export async function dropTriggers({ db, facts }: Pick<Store, 'db' | 'facts'>): Promise<void> {
  const { rows } = await (facts === sqliteFacts ? SQLITE_TRIGGERS : POSTGRES_TRIGGERS).execute(db);
  for (const { statement } of rows) await sql.raw(statement).execute(db);
}

const SQLITE_TRIGGERS = sql<{ statement: string }>`
  select 'drop trigger ' || name as statement from sqlite_master where type = 'trigger'`;
const POSTGRES_TRIGGERS = sql<{ statement: string }>`
  select 'drop trigger ' || tgname || ' on ' || relname as statement from pg_trigger join pg_class on pg_class.oid = tgrelid
  where not tgisinternal and relnamespace = current_schema()::regnamespace`;

async function temporarySqlite(): Promise<TemporaryDatabase> {
  const folder = await temporaryFolder();
  return {
    url: `sqlite:${join(folder.path, 'earshot.db')}`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function temporaryPostgres(): Promise<TemporaryDatabase> {
  const server = await postgresUrl();
  const schema = `test_${randomBytes(8).toString('hex')}`;
  await runAlone(server, `create schema ${schema}`);
  const url = new URL(server);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return {
    url: url.href.replaceAll('+', '%20'),
    [Symbol.asyncDispose]: () => runAlone(server, `drop schema ${schema} cascade`),
  };
}

async function runAlone(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

let started: Promise<string> | null = null;

/**
 * The address of a PostgreSQL for tests: one that is there, or one that lives as long as this process.
 * @param flags for the one that is started: `--durable` keeps its fsync on.
 */
export async function postgresUrl(...flags: readonly string[]): Promise<string> {
  const given = process.env['EARSHOT_TEST_POSTGRES'] ?? process.env['DATABASE_URL'];
  if (given?.startsWith('postgres') === true) return given;
  started ??= startPostgres(flags);
  return started;
}

async function startPostgres(flags: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL('./postgres/test-server.js', import.meta.url));
  const server = spawn(process.execPath, [program, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: server.stdout })) {
    // It ends when its standard input does, which is when this process ends; nothing here needs to wait for it.
    server.unref();
    for (const stream of [server.stdin, server.stdout]) (stream as unknown as { unref(): void }).unref();
    return line;
  }
  throw new Error('PostgreSQL for the tests did not start; what it wrote stands above.');
}
