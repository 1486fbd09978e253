/** Everything that the dashboard reads, over one database. Nothing here changes anything. */
import type { PriceBook } from '../billing/price-book.ts';
import { statementCsv } from '../billing/statement-csv.ts';
import { statement } from '../billing/statement.ts';
import type { Pricing } from '../billing/terms.ts';
import type { Clock } from '../core/clock.ts';
import type { Db } from '../store/store.ts';
import { changePreview, type Change } from './change-preview.ts';
import {
  deliveryPage,
  findDelivery,
  jobPage,
  webhookSecretFacts,
  type DeliveriesQuery,
  type JobsQuery,
} from './job-rows.ts';
import { findKey, keyPage, type KeysQuery } from './key-rows.ts';
import { modelPrice, type PricedModel } from './model-prices.ts';
import { monthByModel } from './month-by-model.ts';
import { overview } from './overview.ts';
import type { PageQuery } from './page.ts';
import {
  accountPage,
  auditPage,
  auditSince,
  findAccountEntry,
  findUserEntry,
  userPage,
  type AuditQuery,
  type TextQuery,
} from './people-rows.ts';
import { priceHistory } from './price-history.ts';
import { requestDetail } from './request-detail.ts';
import { findRequest, newestCalls, requestPage, showRequest, type RequestsQuery } from './request-rows.ts';
import { balanceOf, statementPage } from './statement-page.ts';
import { usageChart, type UsageChartQuery } from './usage-chart.ts';

export type Reports = ReturnType<typeof createReports>;

export interface ReportsOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly pricing: Pick<Pricing, 'termsOf'>;
  readonly priceBook: Pick<PriceBook, 'list' | 'at'>;
}

/** Where an account may be named, null stands for all of them. */
export function createReports({ db, clock, pricing, priceBook }: ReportsOptions) {
  const now = (): number => clock.now();
  return {
    now,
    overview: (accountId: string | null) => overview(db, accountId, clock),
    modelPrice: (accountId: string | null, model: PricedModel) =>
      modelPrice({ db, pricing, priceBook }, accountId, model, now()),
    monthByModel: (accountId: string | null) => monthByModel(db, accountId, now()),
    priceHistory: (model: string, query: PageQuery) => priceHistory(priceBook, model, query, now()),
    changePreview: (change: Change) => changePreview(db, change, now()),
    keyPage: (query: KeysQuery) => keyPage(db, query, now()),
    findKey: (accountId: string | null, keyId: string) => findKey(db, accountId, keyId, now()),
    usageChart: (query: UsageChartQuery) => usageChart(db, query),
    requestPage: (query: RequestsQuery) => requestPage(db, query, clock),
    requestDetail: (accountId: string | null, requestId: string) => requestDetail(db, accountId, requestId),
    async requestRow(requestId: string) {
      const row = await findRequest(db, null, requestId);
      return row === null ? null : showRequest(row);
    },
    newestCalls: () => newestCalls(db),
    statementPage: (accountId: string, month: string) => statementPage(db, accountId, month, now()),
    statementCsv: async (accountId: string, month: string) => statementCsv(await statement(db, accountId, month)),
    balanceOf: (accountId: string) => balanceOf(db, accountId),
    jobPage: (query: JobsQuery) => jobPage(db, query, now()),
    deliveryPage: (query: DeliveriesQuery) => deliveryPage(db, query),
    findDelivery: (accountId: string | null, deliveryId: string) => findDelivery(db, accountId, deliveryId),
    webhookSecretFacts: (accountId: string) => webhookSecretFacts(db, accountId, now()),
    accountPage: (query: TextQuery) => accountPage(db, query, now()),
    findAccount: (accountId: string) => findAccountEntry(db, accountId, now()),
    userPage: (query: TextQuery) => userPage(db, query),
    findUser: (userId: string) => findUserEntry(db, userId),
    auditPage: (query: AuditQuery) => auditPage(db, query),
    auditSince: (since: number) => auditSince(db, since),
  };
}
