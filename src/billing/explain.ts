/** The arithmetic of one charge, worked out once more from the rows that it names, and compared with what was charged. */
import { AppError, assert } from '../core/errors.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { charge, type Charge, type Discounts } from './price.ts';
import { toListPrice } from './price-book.ts';
import { storedTiers } from './terms.ts';

export interface ExplainedPart {
  /** Of the line's list amount; the last part's is what is left, rounded up. */
  readonly list_usd: string;
  readonly discount_bps: number;
}

export interface ExplainedLine {
  readonly item: string;
  readonly quantity: number;
  readonly price_usd: string;
  /** The price is that of so many. */
  readonly price_quantity: number;
  /** More than one where the line crosses a tier's threshold. */
  readonly parts: readonly ExplainedPart[];
  readonly list_usd: string;
  readonly cost_usd: string;
}

export interface Explanation {
  readonly request_id: string;
  readonly account_id: string;
  readonly key_id: string;
  readonly model: string;
  readonly started_at: string;
  readonly seconds: number;
  readonly price_version: number;
  readonly contract: { readonly version: number; readonly discount_bps: number; readonly tiers: string } | null;
  readonly key_terms: { readonly version: number; readonly tiers: string } | null;
  /** The month's list spend before this call, where tiers count. */
  readonly list_spend_before_usd: string | null;
  readonly lines: readonly ExplainedLine[];
  readonly list_usd: string;
  readonly cost_usd: string;
  readonly held_usd: string;
  /** What the ledger's settlement says. */
  readonly charged_usd: string;
  /** Whether the charge is the computed cost, or the hold where that is less. */
  readonly matches: boolean;
}

/** `not_found` where there is no such call; `conflict` where the call was not charged. */
export async function explainCharge(db: Db, requestId: string): Promise<Explanation> {
  const rows = await findRows(db, requestId);
  const { request, price, contract, keyTerms, settlement } = rows;
  const usage = {
    durationMs: request.duration_ms,
    inputTokens: request.input_tokens,
    outputTokens: request.output_tokens,
    estimated: request.estimated === 1,
  };
  const made = charge(usage, toListPrice(price), discountsOf(rows), request.spent_list_nano_usd ?? 0n);
  const expected = made.costNanoUsd < settlement.held ? made.costNanoUsd : settlement.held;
  return {
    request_id: requestId,
    account_id: request.account_id,
    key_id: request.key_id,
    model: price.model,
    started_at: new Date(request.started_at).toISOString(),
    seconds: request.duration_ms / 1000,
    price_version: price.version,
    contract:
      contract === undefined
        ? null
        : { version: contract.version, discount_bps: contract.discount_bps, tiers: contract.tiers },
    key_terms: keyTerms === undefined ? null : { version: keyTerms.version, tiers: keyTerms.tiers },
    list_spend_before_usd: request.spent_list_nano_usd === null ? null : formatUsd(request.spent_list_nano_usd),
    lines: made.lines.map(explainLine),
    list_usd: formatUsd(made.listNanoUsd),
    cost_usd: formatUsd(made.costNanoUsd),
    held_usd: formatUsd(settlement.held),
    charged_usd: formatUsd(settlement.amount),
    matches:
      settlement.amount === expected &&
      request.cost_nano_usd === expected &&
      request.list_nano_usd === made.listNanoUsd,
  };
}

function explainLine(line: Charge['lines'][number]): ExplainedLine {
  const quantity = BigInt(line.priceQuantity);
  let before = 0n;
  let shown: NanoUsd = 0n;
  const parts = line.parts.map(({ listNumerator, discountBps }) => {
    before += listNumerator;
    // Thresholds are whole nano-dollars, so only the end of the line is rounded.
    const end = (before + quantity - 1n) / quantity;
    const list = end - shown;
    shown = end;
    return { list_usd: formatUsd(list), discount_bps: discountBps };
  });
  return {
    item: line.item,
    quantity: line.quantity,
    price_usd: formatUsd(line.priceNanoUsd),
    price_quantity: line.priceQuantity,
    parts,
    list_usd: formatUsd(line.listNanoUsd),
    cost_usd: formatUsd(line.costNanoUsd),
  };
}

type Rows = Awaited<ReturnType<typeof findRows>>;

function discountsOf({ contract, keyTerms }: Rows): Discounts {
  const keyTiers = storedTiers(keyTerms?.tiers ?? null);
  return {
    discountBps: contract?.discount_bps ?? 0,
    tiers: keyTiers.length > 0 ? keyTiers : storedTiers(contract?.tiers ?? null),
  };
}

async function findRows(db: Db, requestId: string) {
  const request = await db.selectFrom('request').selectAll().where('request_id', '=', requestId).executeTakeFirst();
  if (request === undefined) throw new AppError('not_found', { message: 'There is no call with this id.' });
  if (request.price_version === null) {
    const end = request.code === null ? '' : ` It ended with ${request.code}.`;
    throw new AppError('conflict', { message: `The call was not charged.${end}` });
  }
  assert(request.model !== null, 'a call that was charged has a model');
  const settlement = await db
    .selectFrom('transfer')
    .innerJoin('hold', 'hold.hold_id', 'transfer.hold_id')
    .select(['transfer.amount_nano_usd as charged_nano_usd', 'hold.amount_nano_usd as held_nano_usd', 'cap_group_id'])
    .where('hold.request_id', '=', requestId)
    .where('transfer.kind', '=', 'settle')
    .executeTakeFirstOrThrow();
  const price = await db
    .selectFrom('price')
    .selectAll()
    .where('model', '=', request.model)
    .where('version', '=', request.price_version)
    .executeTakeFirstOrThrow();
  const contract = await db
    .selectFrom('contract')
    .selectAll()
    .where('account_id', '=', request.account_id)
    .where('version', '=', request.contract_version ?? 0)
    .executeTakeFirst();
  const keyTerms = await db
    .selectFrom('key_terms')
    .selectAll()
    .where('cap_group_id', '=', settlement.cap_group_id)
    .where('version', '=', request.key_terms_version ?? 0)
    .executeTakeFirst();
  return {
    request,
    price,
    contract,
    keyTerms,
    settlement: { held: settlement.held_nano_usd, amount: settlement.charged_nano_usd },
  };
}
