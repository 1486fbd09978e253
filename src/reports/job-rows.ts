/** Jobs, and the webhooks that tell of their end. Of a webhook's URL only the host is shown: the rest may be a secret. */
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { JobStatus } from '../store/schema.ts';
import type { Db } from '../store/store.ts';
import { behind, isoTime, isoTimeOrNull, pageSize, readCursor, toPage, type Page, type PageQuery } from './page.ts';

export interface JobsQuery extends PageQuery {
  /** Null for all accounts. */
  readonly accountId: string | null;
  readonly status: JobStatus | undefined;
}

export type JobEntry = ReturnType<typeof showJob>;

/** The newest first; those that were forgotten are not there any more. */
export async function jobPage(db: Db, query: JobsQuery, now: number): Promise<Page<JobEntry>> {
  const size = pageSize(query);
  let jobs = db
    .selectFrom('job')
    .innerJoin('account', 'account.account_id', 'job.account_id')
    .innerJoin('api_key', 'api_key.key_id', 'job.key_id')
    .select(['job.job_id', 'job.account_id', 'job.key_id', 'job.request_id', 'job.model', 'job.status', 'job.attempts'])
    .select(['job.created_at', 'job.completed_at', 'job.expires_at', 'job.error', 'job.webhook_url'])
    .select(['account.name as account_name', 'api_key.name as key_name', 'api_key.last_four'])
    .where((on) => on.or([on('job.expires_at', 'is', null), on('job.expires_at', '>', now)]))
    .where(behind(readCursor(query.cursor), 'job.created_at', 'job.job_id'));
  if (query.accountId !== null) jobs = jobs.where('job.account_id', '=', query.accountId);
  if (query.status !== undefined) jobs = jobs.where('job.status', '=', query.status);
  const rows = await jobs
    .orderBy('job.created_at', 'desc')
    .orderBy('job.job_id', 'desc')
    .limit(size + 1)
    .execute();
  return toPage(rows, size, (row) => ({ at: row.created_at, id: row.job_id }), showJob);
}

interface JobFields {
  readonly job_id: string;
  readonly account_id: string;
  readonly account_name: string;
  readonly key_id: string;
  readonly key_name: string;
  readonly last_four: string;
  readonly request_id: string;
  readonly model: string;
  readonly status: JobStatus;
  readonly attempts: number;
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly expires_at: number | null;
  readonly error: string | null;
  readonly webhook_url: string | null;
}

function showJob(row: JobFields) {
  return {
    job_id: row.job_id,
    account: { account_id: row.account_id, name: row.account_name },
    key: { key_id: row.key_id, name: row.key_name, last_four: row.last_four },
    request_id: row.request_id,
    model: row.model,
    status: row.status,
    attempts: row.attempts,
    created_at: isoTime(row.created_at),
    completed_at: isoTimeOrNull(row.completed_at),
    expires_at: isoTimeOrNull(row.expires_at),
    error: row.error === null ? null : errorOf(row.error),
    webhook_host: row.webhook_url === null ? null : hostOf(row.webhook_url),
  };
}

function errorOf(json: string): { code: string; message: string } {
  const { code = '', message = '' } = JSON.parse(json) as { code?: string; message?: string };
  return { code, message };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

export interface DeliveriesQuery extends PageQuery {
  readonly accountId: string | null;
  readonly state: 'pending' | 'delivered' | 'failed' | undefined;
}

export type DeliveryEntry = ReturnType<typeof showDelivery>;

/** The newest first, each with its tries. */
export async function deliveryPage(db: Db, query: DeliveriesQuery): Promise<Page<DeliveryEntry>> {
  const size = pageSize(query);
  let deliveries = deliveriesOf(db, query.accountId).where(
    behind(readCursor(query.cursor), 'webhook_delivery.created_at', 'webhook_delivery.delivery_id'),
  );
  if (query.state !== undefined) deliveries = deliveries.where('webhook_delivery.state', '=', query.state);
  const rows = await deliveries
    .orderBy('webhook_delivery.created_at', 'desc')
    .orderBy('webhook_delivery.delivery_id', 'desc')
    .limit(size + 1)
    .execute();
  const attempts = await attemptsOf(
    db,
    rows.map((row) => row.delivery_id),
  );
  return toPage(
    rows,
    size,
    (row) => ({ at: row.created_at, id: row.delivery_id }),
    (row) => showDelivery(row, attempts),
  );
}

/** Throws `not_found`, also for a delivery of another account. */
export async function findDelivery(db: Db, accountId: string | null, deliveryId: string): Promise<DeliveryEntry> {
  const row = await deliveriesOf(db, accountId)
    .where('webhook_delivery.delivery_id', '=', deliveryId)
    .executeTakeFirst();
  if (row === undefined)
    throw new AppError('not_found', { message: 'There is no delivery with this id, or it has been forgotten.' });
  return showDelivery(row, await attemptsOf(db, [deliveryId]));
}

function deliveriesOf(db: Db, accountId: string | null) {
  return db
    .selectFrom('webhook_delivery')
    .innerJoin('account', 'account.account_id', 'webhook_delivery.account_id')
    .innerJoin('job', 'job.job_id', 'webhook_delivery.job_id')
    .selectAll('webhook_delivery')
    .select(['account.name as account_name', 'job.webhook_url'])
    .where(accountId === null ? sql<boolean>`true` : sql<boolean>`webhook_delivery.account_id = ${accountId}`);
}

type DeliveryFields = Awaited<ReturnType<ReturnType<typeof deliveriesOf>['executeTakeFirstOrThrow']>>;
type Attempt = Awaited<ReturnType<typeof attemptsOf>>[number];

async function attemptsOf(db: Db, deliveryIds: readonly string[]) {
  if (deliveryIds.length === 0) return [];
  return db
    .selectFrom('webhook_attempt')
    .selectAll()
    .where('delivery_id', 'in', deliveryIds)
    .orderBy('started_at')
    .orderBy('attempt_id')
    .execute();
}

function showDelivery(row: DeliveryFields, attempts: readonly Attempt[]) {
  return {
    delivery_id: row.delivery_id,
    job_id: row.job_id,
    account: { account_id: row.account_id, name: row.account_name },
    host: row.webhook_url === null ? '' : hostOf(row.webhook_url),
    state: row.state,
    tries: row.tries,
    next_at: row.state === 'pending' ? isoTime(row.next_at) : null,
    created_at: isoTime(row.created_at),
    ended_at: isoTimeOrNull(row.ended_at),
    attempts: attempts
      .filter((attempt) => attempt.delivery_id === row.delivery_id)
      .map(({ started_at: at, duration_ms, status, failure }) => ({
        started_at: isoTime(at),
        duration_ms,
        status,
        failure,
      })),
  };
}

/** What there is of an account's signing secret that is none; null where it has none yet. */
export async function webhookSecretFacts(db: Db, accountId: string, now: number) {
  const rows = await db
    .selectFrom('webhook_secret')
    .select(['version', 'created_at', 'shown_at', 'retires_at'])
    .where('account_id', '=', accountId)
    .where((on) => on.or([on('retires_at', 'is', null), on('retires_at', '>', now)]))
    .orderBy('version', 'desc')
    .limit(2)
    .execute();
  const [newest, before] = rows;
  if (newest === undefined) return null;
  return {
    version: newest.version,
    created_at: isoTime(newest.created_at),
    shown_at: isoTimeOrNull(newest.shown_at),
    old_retires_at: isoTimeOrNull(before?.retires_at ?? null),
  };
}
