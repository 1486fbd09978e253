/**
 * A conditional write in two messages: one that begins the transaction and asks for its number, which is needed where the
 * answer to the commit gets lost, and one with everything else. So the rows that it locks wait for nothing but the server.
 */
import type { CompiledQuery } from 'kysely';
import type pg from 'pg';
import { connect } from './pool.ts';

export interface ConditionalWrite {
  readonly conditions: readonly CompiledQuery[];
  readonly rest: readonly CompiledQuery[];
  /** Writes of one name run one after the other. */
  readonly alone: string | undefined;
}

/** How often, and how long apart, a new connection asks what became of a commit whose answer got lost. */
const STATUS_TRIES_MAX = 50;
const STATUS_PAUSE_MS = 100;

/** Resolves, once the transaction is durable, to whether each condition changed a row; otherwise nothing has changed. */
export async function writeIf(pool: pg.Pool, write: ConditionalWrite, prepared: PreparedNames): Promise<boolean> {
  const client = await connect(pool);
  let broken: Error | undefined;
  let transactionId: string | null = null;
  try {
    const [, begun] = await settled([
      client.query('begin'),
      client.query({ name: 'transaction-id', text: 'select pg_current_xact_id()::text as id' }),
    ]);
    transactionId = begun?.rows[0]?.id ?? null;
    const queries = [
      ...(write.alone === undefined ? [] : [{ ...LOCK_NAME, values: [write.alone] }]),
      ...write.conditions.map((query) => prepared.config(orFail(query))),
      ...write.rest.map((query) => prepared.config(query)),
    ];
    await settled([...queries.map((query) => client.query(query)), client.query('commit')]);
    return true;
  } catch (error) {
    broken = await rollBack(client);
    if (codeOf(error) === CONDITION_UNMET) return false;
    if (broken === undefined || transactionId === null) throw error;
    // The connection went while the commit was under way: only the server knows whether it happened.
    if (await hasCommitted(pool, transactionId)) return true;
    throw error;
  } finally {
    client.release(broken);
  }
}

const LOCK_NAME = { name: 'lock-name', text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))' };

/** SQLSTATE of a division by zero. */
const CONDITION_UNMET = '22012';

/** A condition that changes no row becomes an error, after which the server skips the rest, the commit too. */
function orFail({ sql, ...query }: CompiledQuery): CompiledQuery {
  return { ...query, sql: `with changed as (${sql} returning 1) select 1 / count(*) from changed` };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

/** Statements that come again and again are parsed and planned once for each connection, under a name. */
export class PreparedNames {
  readonly #names = new Map<string, string>();

  config({ sql, parameters }: CompiledQuery): pg.QueryConfig {
    const known = this.#names.get(sql);
    const name = known ?? (this.#names.size < PREPARED_NAMES_MAX ? `statement-${this.#names.size}` : undefined);
    if (name !== undefined) this.#names.set(sql, name);
    return { ...(name === undefined ? {} : { name }), text: sql, values: [...parameters] };
  }
}

const PREPARED_NAMES_MAX = 200;

/** Waits for all, so that nothing is under way any more when the first error is thrown. */
async function settled(queries: readonly Promise<pg.QueryResult>[]): Promise<pg.QueryResult[]> {
  const ends = await Promise.allSettled(queries);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/** Gives the error where the connection can't even do that: it must not be used again. */
async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

async function hasCommitted(pool: pg.Pool, transactionId: string): Promise<boolean> {
  for (let tries = 0; tries < STATUS_TRIES_MAX; tries += 1) {
    const status = await statusOf(pool, transactionId).catch(() => 'unknown');
    if (status === 'committed') return true;
    if (status === 'aborted') return false;
    await new Promise((resolve) => setTimeout(resolve, STATUS_PAUSE_MS));
  }
  return false;
}

async function statusOf(pool: pg.Pool, transactionId: string): Promise<string> {
  const { rows } = await pool.query('select pg_xact_status($1::text::xid8) as status', [transactionId]);
  return String(rows[0]?.status);
}
