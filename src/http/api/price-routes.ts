/** Models, the price book and contracts: everybody sees what they pay, the operator changes it. */
import type { ContractVersion } from '../../access/accounts.ts';
import type { ListPrice } from '../../billing/price.ts';
import type { PriceVersion } from '../../billing/price-book.ts';
import type { ModelConfig } from '../../engines/registry.ts';
import { AppError } from '../../core/errors.ts';
import { formatTiers, type Tier } from '../../core/tiers.ts';
import type { Route } from '../app.ts';
import {
  overviewQuery,
  pricesQuery,
  setContractRequest,
  setPriceRequest,
  type ChangePreview,
  type Contract,
  type ModelEntry,
  type ModelsReply,
  type Page,
  type PriceVersion as PriceBody,
  type SetContractRequest,
  type SetPriceRequest,
} from './contract.ts';
import { auditBy } from './audit-by.ts';
import { engineHealth } from './engine-bodies.ts';
import { accountOf, bodyOf, EVERYBODY, OPERATOR, queryOf, type ApiCall } from './guard.ts';
import { readTiers } from './key-routes.ts';
import { instantMs, nanoUsd } from './read-values.ts';
import type { ApiServices } from './api-services.ts';

export function priceRoutes(services: ApiServices): Route[] {
  const { guard, reports } = services;
  return [
    guard.route('GET', '/api/models', EVERYBODY, async (call): Promise<ModelsReply> => {
      const accountId = accountOf(call, queryOf(call, overviewQuery).account);
      const month = await reports.monthByModel(accountId);
      const entry = async (model: ModelConfig): Promise<ModelEntry> => ({
        ...(await reports.modelPrice(accountId, model)),
        ...enginesBehind(model, services),
        audio_tokens_per_minute: model.audioTokensPerMinute,
        month: month(model.id),
      });
      return { data: await Promise.all(services.models.map(entry)) };
    }),
    guard.route('GET', '/api/models/prices', EVERYBODY, async (call): Promise<Page<PriceBody>> => {
      const { model, cursor, limit } = queryOf(call, pricesQuery);
      return reports.priceHistory(model, { cursor, limit });
    }),
    guard.route('POST', '/api/prices', OPERATOR, (call) => setPrice(call, services)),
    guard.route('POST', '/api/prices/preview', OPERATOR, async (call): Promise<ChangePreview> => {
      const { model, price } = readModelPrice(await bodyOf(call, setPriceRequest), services);
      return reports.changePreview({ kind: 'price', model, listPrice: price });
    }),
    guard.route('POST', '/api/contracts', OPERATOR, (call) => setContract(call, services)),
    guard.route('POST', '/api/contracts/preview', OPERATOR, async (call): Promise<ChangePreview> => {
      const body = await bodyOf(call, setContractRequest);
      await reports.findAccount(body.account_id);
      return reports.changePreview({ kind: 'contract', accountId: body.account_id, contract: readContract(body) });
    }),
  ];
}

/** In the order in which they are asked; the first of them that would take work now serves. */
function enginesBehind(
  model: ModelConfig,
  { registry, engines }: ApiServices,
): Pick<ModelEntry, 'engines' | 'serves_now'> {
  const behind = registry.enginesOf(model.id).flatMap(({ id }) => engines.filter((engine) => engine.id === id));
  const serving = behind.find((engine) => engine.ready() && engine.askableInMs() === 0);
  return {
    engines: behind.map((engine) => ({
      ...engineHealth(engine),
      model: engine.model,
      stand_in: engine.model !== null && engine.model !== model.id,
    })),
    serves_now: serving?.id ?? null,
  };
}

async function setPrice(call: ApiCall, services: ApiServices): Promise<PriceBody> {
  const body = await bodyOf(call, setPriceRequest);
  const { model, price } = readModelPrice(body, services);
  const validFrom = body.valid_from === undefined ? null : instantMs(body.valid_from, 'valid_from');
  const { priceBook } = services.changes(({ version }: PriceVersion) =>
    auditBy(call, null, 'price.set', model, { version, ...body.price, valid_from: body.valid_from ?? null }),
  );
  const { version } = await priceBook.set({ model, listPrice: price, validFrom });
  services.changed();
  const history = await services.reports.priceHistory(model, { cursor: undefined, limit: undefined });
  const added = history.data.find((entry) => entry.version === version);
  if (added === undefined) throw new AppError('conflict');
  return added;
}

function readModelPrice(
  { model, price }: SetPriceRequest,
  { models }: ApiServices,
): { model: string; price: ListPrice } {
  if (!models.some(({ id }) => id === model)) throw new AppError('model_not_found', { param: 'model' });
  if ('usd_per_second' in price)
    return { model, price: { per: 'second', perSecondNanoUsd: nanoUsd(price.usd_per_second, 'price.usd_per_second') } };
  return {
    model,
    price: {
      per: 'tokens',
      inputPer1mNanoUsd: nanoUsd(price.input_usd_per_1m, 'price.input_usd_per_1m'),
      outputPer1mNanoUsd: nanoUsd(price.output_usd_per_1m, 'price.output_usd_per_1m'),
    },
  };
}

async function setContract(call: ApiCall, services: ApiServices): Promise<Contract> {
  const body = await bodyOf(call, setContractRequest);
  const validFrom = body.valid_from === undefined ? null : instantMs(body.valid_from, 'valid_from');
  const { discount_bps: bps, tiers, valid_from: from = null } = body;
  const { accounts } = services.changes(({ version }: ContractVersion) =>
    auditBy(call, body.account_id, 'contract.set', body.account_id, {
      version,
      discount_bps: bps,
      tiers,
      valid_from: from,
    }),
  );
  const made = await accounts.agree(body.account_id, readContract(body), validFrom);
  services.changed();
  return {
    version: made.version,
    valid_from: new Date(made.validFrom).toISOString(),
    discount_bps: made.discountBps,
    tiers: formatTiers(made.tiers),
  };
}

function readContract({ discount_bps: discountBps, tiers }: SetContractRequest): {
  discountBps: number;
  tiers: readonly Tier[];
} {
  return { discountBps, tiers: readTiers(tiers) };
}
