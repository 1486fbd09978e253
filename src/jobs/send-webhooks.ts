/** Sends the webhooks that are owed, through the same guard as audio, signed anew at each try. */
import { FetchError } from '../audio/fetch/fetch-error.ts';
import type { GuardedFetch } from '../audio/fetch/guarded-fetch.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { AttemptEnd, ClaimedDelivery, Deliveries } from './deliveries.ts';
import { startPump, type Pump } from './pump.ts';
import type { WebhookSecrets } from './webhook-secrets.ts';
import { signatureHeaders } from './webhook-signature.ts';

export interface WebhookSenderOptions {
  readonly deliveries: Deliveries;
  readonly secrets: WebhookSecrets;
  readonly fetch: GuardedFetch;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each try that was made here. */
  onTry(outcome: 'delivered' | 'refused' | 'failed'): void;
  readonly pollMs?: number;
}

const POLL_MS = 1_000;
const SENDING_MAX = 16;
/** A slow receiver holds up the webhooks of its own account only. */
const SENDING_PER_ACCOUNT_MAX = 4;

export function startWebhookSender(options: WebhookSenderOptions): Pump {
  const { deliveries, clock, log } = options;
  const sending = new Map<string, string>();

  function busyAccounts(): string[] {
    const all = [...sending.values()];
    return [...new Set(all)].filter((id) => all.filter((other) => other === id).length >= SENDING_PER_ACCOUNT_MAX);
  }

  async function work(delivery: ClaimedDelivery, stopped: AbortSignal): Promise<void> {
    sending.set(delivery.deliveryId, delivery.accountId);
    try {
      const startedAt = clock.now();
      const { status, failure } = await send(options, delivery, stopped);
      if (stopped.aborted && status === null) return await deliveries.release(delivery);
      const end: AttemptEnd = { startedAt, durationMs: clock.now() - startedAt, status, failure };
      const state = await deliveries.record(delivery, end);
      options.onTry(state === 'delivered' ? state : status === null ? 'failed' : 'refused');
      const { deliveryId, jobId, tries } = delivery;
      log.info({ delivery_id: deliveryId, job_id: jobId, tries, status, failure, state }, 'webhook-sent');
    } finally {
      sending.delete(delivery.deliveryId);
    }
  }

  return startPump<ClaimedDelivery>({
    places: SENDING_MAX,
    pollMs: options.pollMs ?? POLL_MS,
    chore: () => deliveries.recover(new Set(sending.keys())),
    take: () => deliveries.claim(busyAccounts()),
    work,
    log,
    failureEvent: 'webhook-sender-failed',
  });
}

/** The body of the answer is not read: its status is all that counts. */
async function send(
  { fetch: guardedFetch, secrets, clock, log }: WebhookSenderOptions,
  { deliveryId, accountId, url, body }: ClaimedDelivery,
  signal: AbortSignal,
): Promise<Pick<AttemptEnd, 'status' | 'failure'>> {
  try {
    const keys = await secrets.keysOf(accountId);
    const headers = {
      'content-type': 'application/json',
      ...signatureHeaders({ id: deliveryId, sentAt: clock.now(), body }, keys),
    };
    using answer = await guardedFetch(url, signal, { method: 'POST', headers, body: Buffer.from(body) });
    return { status: answer.status, failure: null };
  } catch (error) {
    if (error instanceof FetchError) return { status: null, failure: error.kind };
    if (!signal.aborted) log.error({ delivery_id: deliveryId, cause: String(error) }, 'webhook-not-sent');
    return { status: null, failure: 'internal_error' };
  }
}
