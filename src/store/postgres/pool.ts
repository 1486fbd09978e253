/** The connections to PostgreSQL: how many, how long they may take for anything, and what a failure to connect says. */
import pg from 'pg';
import { DatabaseError } from '../database-error.ts';
import { valueTypes } from './values.ts';

export interface PoolSettings {
  readonly url: string;
  /** How long to wait for a lock that another transaction holds. */
  readonly lockMsMax: number;
  /** How long a transaction may stay open between two of its statements. */
  readonly transactionIdleMsMax: number;
  /** How long one statement may run. */
  readonly statementMsMax: number;
}

const CONNECTIONS_MAX = 16;
/** For a free connection of the pool, and for making a new one. */
const CONNECT_MS_MAX = 10_000;
/** Added to the server's own limit: past both, the server is taken for gone and the connection is given up. */
const SILENCE_MS_MAX = 5_000;

/** Connects when first asked to. */
export function createPool(settings: PoolSettings): pg.Pool {
  const pool = new pg.Pool({
    connectionString: settings.url,
    application_name: 'earshot',
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: settings.statementMsMax + SILENCE_MS_MAX,
    keepAlive: true,
    // Statements that don't wait for each other's answers travel together.
    pipeline: true,
    types: valueTypes,
    // The pool waits for it before it hands the connection out, though its type does not say so.
    // oxlint-disable-next-line typescript/no-misused-promises
    onConnect: (client) => prepareSession(client, settings),
  });
  // A connection that breaks tells whoever waits for an answer on it; without these listeners it would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  return pool;
}

/** A free connection; throws a sentence for the operator where there is none to be had. */
export async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw connectionError(pool.options, error);
  }
}

/** `postgres://HOST:PORT/NAME`: an address without its password, for people and logs. */
export function describeAddress(url: string): string {
  const { host, port, database } = new pg.Client({ connectionString: url });
  return `postgres://${host}:${port}/${database ?? ''}`;
}

/** One statement of settings; as start-up parameters some poolers would refuse them. */
async function prepareSession(client: pg.ClientBase, settings: PoolSettings): Promise<void> {
  await client.query(`set default_transaction_isolation = 'read committed';
    set statement_timeout = ${settings.statementMsMax};
    set lock_timeout = ${settings.lockMsMax};
    set idle_in_transaction_session_timeout = ${settings.transactionIdleMsMax};
    select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`);
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Start PostgreSQL or correct DATABASE_URL.',
  ENOTFOUND: 'the host name is unknown. Correct DATABASE_URL.',
  '28P01': 'it refused the password. Correct DATABASE_URL.',
  '28000': 'it refused the user. Correct DATABASE_URL or pg_hba.conf.',
  '3D000': 'it has no such database. Create it first.',
  '53300': 'it has no connection left. Raise max_connections.',
  '57P03': 'it is starting or stopping. Try again.',
};

function connectionError(options: pg.PoolOptions, error: unknown): DatabaseError {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const reason = SENTENCES[code] ?? message;
  const address = describeAddress(options.connectionString ?? '');
  return new DatabaseError(`PostgreSQL at ${address} cannot be used: ${reason}`, code, { cause: error });
}

/** Where a host has several addresses, Node packs one error for each into one that has the first one's code. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
