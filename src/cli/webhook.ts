import type { Deliveries, DeliveryEntry } from '../jobs/deliveries.ts';
import type { WebhookSecrets } from '../jobs/webhook-secrets.ts';
import { EXIT, JSON_OPTION, printResult, type Command } from './command.ts';
import { readCount } from './read-values.ts';

export interface WebhookBooks extends AsyncDisposable {
  readonly webhookSecrets: WebhookSecrets;
  readonly deliveries: Deliveries;
}

const LISTED = 20;
const LISTED_MAX = 1_000;

export function webhookCommands(open: () => Promise<WebhookBooks>): Command[] {
  return [secret(open), list(open), replay(open)];
}

function secret(open: () => Promise<WebhookBooks>): Command {
  return {
    name: 'webhook secret',
    summary: 'Shows the secret that signs an account’s webhooks: the only time that it can be seen.',
    positional: 'ACCOUNT_ID',
    options: { rotate: { help: 'makes a new one; the one before signs too for 24 hours' }, json: JSON_OPTION },
    example: 'earshot webhook secret acc_… --rotate',
    async run(input, terminal) {
      const accountId = input.positionals[0] ?? '';
      await using books = await open();
      const { webhookSecrets } = books;
      const shown = await (input.flag('rotate') ? webhookSecrets.rotate(accountId) : webhookSecrets.show(accountId));
      const ends = time(shown.oldSecretExpiresAt);
      const value = { account_id: accountId, secret: shown.secret, old_secret_expires_at: ends };
      printResult(input, terminal, value, [
        shown.secret,
        'Keep it now: it is not shown again.',
        ...(ends === null ? [] : [`The old secret signs too until ${ends}.`]),
      ]);
      return EXIT.ok;
    },
  };
}

function list(open: () => Promise<WebhookBooks>): Command {
  return {
    name: 'webhook list',
    summary: 'Lists webhooks with every try to deliver them, the newest first.',
    options: {
      account: { value: 'ID', help: 'of this account only' },
      limit: { value: 'N', help: `how many at most; default ${LISTED}` },
      json: JSON_OPTION,
    },
    example: 'earshot webhook list --account acc_…',
    async run(input, terminal) {
      const limit = readCount(input, 'limit', LISTED_MAX) ?? LISTED;
      await using books = await open();
      const entries = await books.deliveries.list(input.option('account') ?? null, limit);
      const lines = entries.flatMap(entryLines);
      printResult(
        input,
        terminal,
        { data: entries.map(entryRow) },
        lines.length === 0 ? ['There are no webhooks yet.'] : lines,
      );
      return EXIT.ok;
    },
  };
}

function replay(open: () => Promise<WebhookBooks>): Command {
  return {
    name: 'webhook replay',
    summary: 'Sends a webhook once more, with the same id; a running server does it within a second or two.',
    positional: 'DELIVERY_ID',
    options: { json: JSON_OPTION },
    example: 'earshot webhook replay dlv_…',
    async run(input, terminal) {
      const deliveryId = input.positionals[0] ?? '';
      await using books = await open();
      await books.deliveries.replay(deliveryId);
      printResult(input, terminal, { delivery_id: deliveryId, state: 'pending' }, [`${deliveryId} is sent again.`]);
      return EXIT.ok;
    },
  };
}

function entryRow({ delivery, attempts }: DeliveryEntry): Record<string, unknown> {
  return {
    delivery_id: delivery.delivery_id,
    job_id: delivery.job_id,
    account_id: delivery.account_id,
    state: delivery.state,
    created_at: time(delivery.created_at),
    ended_at: time(delivery.ended_at),
    next_try_at: nextTry(delivery),
    attempts: attempts.map((attempt) => ({
      started_at: time(attempt.started_at),
      duration_ms: attempt.duration_ms,
      status: attempt.status,
      failure: attempt.failure,
    })),
  };
}

function entryLines({ delivery, attempts }: DeliveryEntry): string[] {
  const next = nextTry(delivery);
  return [
    `${delivery.delivery_id}  ${delivery.job_id}  ${delivery.state}${next === null ? '' : `, next try ${next}`}`,
    ...attempts.map(
      (attempt) =>
        `  ${time(attempt.started_at)}  ${attempt.status ?? attempt.failure}  after ${attempt.duration_ms} ms`,
    ),
  ];
}

function nextTry({ state, next_at: nextAt }: DeliveryEntry['delivery']): string | null {
  return state === 'pending' ? time(nextAt) : null;
}

function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
