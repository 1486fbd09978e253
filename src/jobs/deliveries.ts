/** Webhooks that are owed: claimed by the process that sends them, tried again over a day, and every try written down. */
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { WebhookAttemptTable, WebhookDeliveryTable } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import { toJob } from './job-store.ts';
import { renderJob } from './job.ts';

/** One try of a webhook. */
export interface ClaimedDelivery {
  /** What the receiver sees as `webhook-id`, the same at every try. */
  readonly deliveryId: string;
  readonly accountId: string;
  readonly jobId: string;
  readonly url: string;
  readonly body: string;
  /** Including this one. */
  readonly tries: number;
}

/** How a try ended: with the status that was answered, or with the kind of failure. */
export interface AttemptEnd {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly status: number | null;
  readonly failure: string | null;
}

export interface DeliveryEntry {
  readonly delivery: WebhookDeliveryTable;
  /** The oldest first. */
  readonly attempts: readonly WebhookAttemptTable[];
}

export interface Deliveries {
  /** The next that is due, of an account that is not among the busy ones; null where there is none. */
  claim(busyAccounts: readonly string[]): Promise<ClaimedDelivery | null>;
  /** Writes the try down; a status of 2xx ends the delivery, all else is tried again until a day has passed. */
  record(delivery: ClaimedDelivery, end: AttemptEnd): Promise<'delivered' | 'pending' | 'failed'>;
  /** Gives back one whose try did not come to its end: it is due at once, and the try does not count. */
  release(delivery: ClaimedDelivery): Promise<void>;
  /** Gives back what processes without a lease were sending, and what this one is not sending any more. */
  recover(sending: ReadonlySet<string>): Promise<void>;
  /** Sends it again from now on, with the same id. Throws `not_found`. */
  replay(deliveryId: string): Promise<void>;
  /** The newest first, with their tries; of an account, or of all. */
  list(accountId: string | null, limit: number): Promise<DeliveryEntry[]>;
  countPending(): Promise<number>;
}

export interface DeliveriesOptions {
  readonly store: Pick<Store, 'db' | 'writeIf' | 'facts'>;
  readonly clock: Clock;
  /** The process that sends; it has a lease while it lives. */
  readonly instanceId: string;
}

/** How long a webhook waits after its first, second … try: a day in all. */
export const RETRY_MS = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 36_000].map(
  (seconds) => seconds * 1_000,
);

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { store, clock, instanceId } = options;
  const { db } = store;
  return {
    claim: (busyAccounts) => claim(options, busyAccounts),

    record: (delivery, end) => record(options, delivery, end),

    async release({ deliveryId, tries }) {
      await db
        .updateTable('webhook_delivery')
        .set({ instance_id: null, tries: tries - 1 })
        .where('delivery_id', '=', deliveryId)
        .where('instance_id', '=', instanceId)
        .where('tries', '=', tries)
        .execute();
    },

    recover: (sending) => recover(options, sending),

    async replay(deliveryId) {
      // One that is being sent at the moment is left alone, but is due again from its beginning.
      const { numUpdatedRows } = await db
        .updateTable('webhook_delivery')
        .set({ state: 'pending', tries: 0, next_at: clock.now(), instance_id: null, ended_at: null })
        .where('delivery_id', '=', deliveryId)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows > 0n) return;
      throw new AppError('not_found', { message: 'There is no delivery with this id, or it has been forgotten.' });
    },

    list: (accountId, limit) => list(db, accountId, limit),

    async countPending() {
      const { pending } = await db
        .selectFrom('webhook_delivery')
        .select((select) => select.fn.countAll<number>().as('pending'))
        .where('state', '=', 'pending')
        .executeTakeFirstOrThrow();
      return pending;
    },
  };
}

async function claim(
  { store: { db, facts }, clock, instanceId }: DeliveriesOptions,
  busyAccounts: readonly string[],
): Promise<ClaimedDelivery | null> {
  const now = clock.now();
  const others = busyAccounts.length === 0 ? sql`` : sql`and account_id not in (${sql.join(busyAccounts)})`;
  const { rows } = await sql<WebhookDeliveryTable>`
    update webhook_delivery set instance_id = ${instanceId}, tries = tries + 1
    where delivery_id = (
      select delivery_id from webhook_delivery
      where state = 'pending' and next_at <= ${now} and instance_id is null ${others}
      order by next_at, delivery_id limit 1 ${facts.skipLocked}
    )
    returning *`.execute(db);
  const row = rows[0];
  if (row === undefined) return null;
  const job = await db.selectFrom('job').selectAll().where('job_id', '=', row.job_id).executeTakeFirstOrThrow();
  return {
    deliveryId: row.delivery_id,
    accountId: row.account_id,
    jobId: row.job_id,
    url: job.webhook_url ?? '',
    body: JSON.stringify(renderJob(toJob(job))),
    tries: row.tries,
  };
}

async function record(
  { store: { db, writeIf }, clock, instanceId }: DeliveriesOptions,
  delivery: ClaimedDelivery,
  { startedAt, durationMs, status, failure }: AttemptEnd,
): ReturnType<Deliveries['record']> {
  const now = clock.now();
  const delivered = status !== null && status >= 200 && status < 300;
  const delayMs = RETRY_MS[delivery.tries - 1];
  const state = delivered ? 'delivered' : delayMs === undefined ? 'failed' : 'pending';
  const attempt = {
    attempt_id: newId('try'),
    delivery_id: delivery.deliveryId,
    started_at: startedAt,
    duration_ms: durationMs,
    status,
    failure,
  };
  const ended_at = state === 'pending' ? null : now;
  await writeIf(
    db
      .updateTable('webhook_delivery')
      .set({ state, instance_id: null, next_at: now + (delayMs ?? 0), ended_at })
      .where('delivery_id', '=', delivery.deliveryId)
      .where('instance_id', '=', instanceId)
      .where('tries', '=', delivery.tries)
      .compile(),
    [db.insertInto('webhook_attempt').values(attempt).compile()],
  );
  return state;
}

async function recover(
  { store: { db }, clock, instanceId }: DeliveriesOptions,
  sending: ReadonlySet<string>,
): Promise<void> {
  const abandoned = await db
    .selectFrom('webhook_delivery')
    .leftJoin('instance', (join) =>
      join
        .onRef('instance.instance_id', '=', 'webhook_delivery.instance_id')
        .on('instance.lease_until', '>=', clock.now()),
    )
    .select(['delivery_id', 'tries', 'webhook_delivery.instance_id'])
    .where('state', '=', 'pending')
    .where('webhook_delivery.instance_id', 'is not', null)
    .where((on) => on.or([on('instance.instance_id', 'is', null), on('webhook_delivery.instance_id', '=', instanceId)]))
    .execute();
  for (const row of abandoned) {
    if (row.instance_id === instanceId && sending.has(row.delivery_id)) continue;
    await db
      .updateTable('webhook_delivery')
      .set({ instance_id: null })
      .where('delivery_id', '=', row.delivery_id)
      .where('instance_id', '=', row.instance_id)
      .where('tries', '=', row.tries)
      .execute();
  }
}

async function list(db: Db, accountId: string | null, limit: number): Promise<DeliveryEntry[]> {
  let query = db.selectFrom('webhook_delivery').selectAll().orderBy('created_at', 'desc').limit(limit);
  if (accountId !== null) query = query.where('account_id', '=', accountId);
  const deliveries = await query.orderBy('delivery_id', 'desc').execute();
  const ids = deliveries.map(({ delivery_id: id }) => id);
  const attempts =
    ids.length === 0
      ? []
      : await db
          .selectFrom('webhook_attempt')
          .selectAll()
          .where('delivery_id', 'in', ids)
          .orderBy('started_at')
          .orderBy('attempt_id')
          .execute();
  return deliveries.map((delivery) => ({
    delivery,
    attempts: attempts.filter(({ delivery_id: id }) => id === delivery.delivery_id),
  }));
}
