/** The overview, usage, and the log of calls. */
import { csvText } from '../../core/csv.ts';
import type { Route } from '../app.ts';
import {
  overviewQuery,
  requestsQuery,
  usageQuery,
  type Overview,
  type Page,
  type RequestDetail,
  type RequestRow,
  type UsageReply,
} from './contract.ts';
import { csvResponse } from './csv-response.ts';
import { engineHealth } from './engine-bodies.ts';
import { accountOf, EVERYBODY, idOf, queryOf, type ApiCall } from './guard.ts';
import { instantMs } from './read-values.ts';
import type { ApiServices } from './api-services.ts';

const DAY_MS = 86_400_000;

/** Keys with rows of their own on the screen, in a file, and in the chart. */
const KEYS_SHOWN = 200;
const KEYS_IN_FILE = 100_000;
const KEYS_IN_CHART = 8;

export function usageRoutes(services: ApiServices): Route[] {
  const { guard, reports, models, engines } = services;
  return [
    guard.route('GET', '/api/overview', EVERYBODY, async (call): Promise<Overview> => {
      const accountId = accountOf(call, queryOf(call, overviewQuery).account);
      const [figures, prices] = await Promise.all([
        reports.overview(accountId),
        Promise.all(models.map((model) => reports.modelPrice(accountId, model))),
      ]);
      return { ...figures, prices, engines: engines.map(engineHealth) };
    }),
    guard.route('GET', '/api/usage', EVERYBODY, (call) => usage(call, services, KEYS_SHOWN)),
    guard.route('GET', '/api/usage.csv', EVERYBODY, async (call) => {
      const { data, group_by: groupBy, from } = await usage(call, services, KEYS_IN_FILE);
      const rows = data.map((row) => [
        row.group,
        row.label,
        row.requests,
        row.errors,
        row.seconds,
        row.input_tokens,
        row.output_tokens,
        row.list_usd,
        row.cost_usd,
      ]);
      return csvResponse(`usage-by-${groupBy}-${from.slice(0, 10)}.csv`, csvText([USAGE_COLUMNS, ...rows]));
    }),
    guard.route('GET', '/api/requests', EVERYBODY, async (call): Promise<Page<RequestRow>> => {
      const query = queryOf(call, requestsQuery);
      return reports.requestPage({
        ...query,
        cursor: query.cursor,
        limit: query.limit,
        accountId: accountOf(call, query.account),
        from: query.from === undefined ? null : instantMs(query.from, 'from'),
        to: query.to === undefined ? null : instantMs(query.to, 'to'),
        status: query.status,
        keyId: query.key,
        model: query.model,
        engine: query.engine,
        code: query.code,
        slowMs: query.slow_ms,
        warned: query.warnings === 'any',
      });
    }),
    guard.route('GET', '/api/requests/:id', EVERYBODY, (call): Promise<RequestDetail> =>
      reports.requestDetail(accountOf(call, undefined), idOf(call)),
    ),
  ];
}

const USAGE_COLUMNS = [
  'group',
  'label',
  'requests',
  'errors',
  'seconds',
  'input_tokens',
  'output_tokens',
  'list_usd',
  'cost_usd',
];

/** Whole days: a range that cuts one has all of it, as the reply says. */
async function usage(call: ApiCall, { reports }: ApiServices, keysMax: number): Promise<UsageReply> {
  const { account, from, to, group_by: groupBy = 'day', model, key } = queryOf(call, usageQuery);
  const now = reports.now();
  const date = new Date(now);
  const monthStart = Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  const firstDay = Math.floor((from === undefined ? monthStart : instantMs(from, 'from')) / DAY_MS);
  const endDay = Math.ceil((to === undefined ? now + 1 : instantMs(to, 'to')) / DAY_MS);
  return reports.usageChart({
    accountId: accountOf(call, account),
    firstDay,
    endDay: Math.max(firstDay, endDay),
    today: Math.floor(now / DAY_MS),
    groupBy,
    model,
    keyId: key,
    keysMax,
    chartKeysMax: KEYS_IN_CHART,
  });
}
