/** A conditional write in two messages: the conditions, then everything that follows from it together with the commit. */
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
    const lock = { name: 'lock-name', text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))' };
    const answers = await settled([
      client.query('begin'),
      ...(write.alone === undefined ? [] : [client.query({ ...lock, values: [write.alone] })]),
      ...write.conditions.map((query) => client.query(prepared.config(query))),
      client.query({ name: 'transaction-id', text: 'select pg_current_xact_id()::text as id' }),
    ]);
    const identified = answers.at(-1);
    const decided = answers.slice(-1 - write.conditions.length, -1);
    if (decided.some((answer) => answer.rowCount === 0)) {
      await client.query('rollback');
      return false;
    }
    transactionId = identified?.rows[0]?.id ?? null;
    await settled([...write.rest.map((query) => client.query(prepared.config(query))), client.query('commit')]);
    return true;
  } catch (error) {
    broken = await rollBack(client);
    if (broken === undefined || transactionId === null) throw error;
    // The connection went while the commit was under way: only the server knows whether it happened.
    if (await hasCommitted(pool, transactionId)) return true;
    throw error;
  } finally {
    client.release(broken);
  }
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
