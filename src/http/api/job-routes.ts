/** Jobs, the webhooks that tell of their end, and what those are signed with. */
import { AppError } from '../../core/errors.ts';
import type { Route } from '../app.ts';
import { auditBy } from './audit-by.ts';
import {
  deliveriesQuery,
  jobsQuery,
  overviewQuery,
  replayRequest,
  webhookSecretRequest,
  type DeliveryRow,
  type IssuedWebhookSecret,
  type JobRow,
  type Page,
} from './contract.ts';
import { accountOf, bodyOf, CHANGERS, EVERYBODY, idOf, oneAccountOf, queryOf } from './guard.ts';
import type { ApiServices } from './api-services.ts';

export function jobApiRoutes(services: ApiServices): Route[] {
  const { guard, reports } = services;
  return [
    guard.route('GET', '/api/jobs', EVERYBODY, async (call): Promise<Page<JobRow>> => {
      const { account, cursor, limit, status } = queryOf(call, jobsQuery);
      return reports.jobPage({ accountId: accountOf(call, account), cursor, limit, status });
    }),
    guard.route('GET', '/api/deliveries', EVERYBODY, async (call): Promise<Page<DeliveryRow>> => {
      const { account, cursor, limit, state } = queryOf(call, deliveriesQuery);
      return reports.deliveryPage({ accountId: accountOf(call, account), cursor, limit, state });
    }),
    guard.route('POST', '/api/deliveries/:id/replay', CHANGERS, async (call): Promise<DeliveryRow> => {
      const deliveryId = idOf(call);
      await bodyOf(call, replayRequest);
      const { account } = await reports.findDelivery(accountOf(call, undefined), deliveryId);
      const entry = auditBy(call, account.account_id, 'delivery.replay', deliveryId, {});
      await services.changes(() => entry).replayDelivery(deliveryId);
      return reports.findDelivery(account.account_id, deliveryId);
    }),
    guard.route('GET', '/api/webhook-secret', EVERYBODY, async (call) => {
      const accountId = oneAccountOf(call, queryOf(call, overviewQuery).account, 'account');
      return reports.webhookSecretFacts(accountId);
    }),
    guard.route('POST', '/api/webhook-secret', CHANGERS, async (call): Promise<IssuedWebhookSecret> => {
      const accountId = oneAccountOf(call, (await bodyOf(call, webhookSecretRequest)).account_id, 'account_id');
      const known = await reports.webhookSecretFacts(accountId);
      const isFirst = known === null || known.shown_at === null;
      const entry = auditBy(call, accountId, isFirst ? 'webhook_secret.show' : 'webhook_secret.rotate', accountId, {});
      const { webhookSecrets } = services.changes(() => entry);
      const { secret } = await (isFirst ? webhookSecrets.show(accountId) : webhookSecrets.rotate(accountId));
      const facts = await reports.webhookSecretFacts(accountId);
      if (facts === null) throw new AppError('conflict');
      return { secret, ...facts };
    }),
  ];
}
