/** What a call is priced by: the versions of the list price, of its account's contract and of its key's own tiers. */
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { NanoUsd } from '../core/money.ts';
import { parseTiers, type Tier } from '../core/tiers.ts';
import type { Usage } from '../core/transcript.ts';
import type { PriceTable } from '../store/schema.ts';
import type { Db } from '../store/store.ts';
import { daysOfMonth, monthOf } from './month.ts';
import { mostCost, type Discounts } from './price.ts';
import { toListPrice, type PriceVersion } from './price-book.ts';
import type { Call } from './request-log.ts';

export interface Terms extends Discounts {
  readonly price: Pick<PriceVersion, 'version' | 'listPrice'>;
  /** Null where the account has no contract, or the key no tiers of its own. */
  readonly contractVersion: number | null;
  readonly keyTermsVersion: number | null;
  /** Whose list spend of the month the tiers count; null where there are none. */
  readonly tiersCount: 'account' | 'key' | null;
}

/** A call whose model is known by now. */
export type PricedCall = Call & { readonly model: string };

export interface Pricing {
  /** The versions that hold at the start of the call. Throws `engine_unavailable` for a model without a price. */
  termsOf(call: PricedCall): Promise<Terms>;
  /** The most that the call can cost, with the least discount that could apply. */
  mostCost(call: PricedCall, terms: Terms, most: Usage): Promise<NanoUsd>;
}

export function createPricing({ db }: { readonly db: Db }): Pricing {
  return {
    async termsOf(call) {
      const { rows } = await sql<TermsRow>`
        select price.*, contract.version as contract_version, contract.discount_bps, contract.tiers as contract_tiers,
          key_terms.version as key_terms_version, key_terms.tiers as key_tiers
        from price
        left join contract on contract.account_id = ${call.accountId} and contract.version = (
          select max(version) from contract where account_id = ${call.accountId} and valid_from <= ${call.startedAt})
        left join api_key on api_key.key_id = ${call.keyId}
        left join key_terms on key_terms.cap_group_id = api_key.cap_group_id and key_terms.version = (
          select max(version) from key_terms as terms
          where terms.cap_group_id = api_key.cap_group_id and terms.valid_from <= ${call.startedAt})
        where price.model = ${call.model} and price.valid_from <= ${call.startedAt}
        order by price.valid_from desc, price.version desc limit 1`.execute(db);
      const row = rows[0];
      if (row !== undefined) return toTerms(row);
      throw new AppError('engine_unavailable', { detail: `The model ${call.model} has no price.` });
    },
    async mostCost(call, terms, most) {
      // Spend only rises within a month, so a position that is out of date by now errs on the side of a larger hold.
      const spent = terms.tiersCount === null ? 0n : await spentList(db, call, terms.tiersCount);
      return mostCost(most, terms.price.listPrice, terms, spent);
    },
  };
}

/** The list spend of a call's month so far, of its account or of its key with predecessors and successors. */
export async function spentList(
  db: Db,
  call: Pick<Call, 'accountId' | 'keyId' | 'startedAt'>,
  whose: 'account' | 'key',
): Promise<NanoUsd> {
  const month = monthOf(call.startedAt);
  const { first, end } = daysOfMonth(month);
  const query =
    whose === 'account'
      ? sql<Spent>`select cast(sum(list_nano_usd) as bigint) as list_nano_usd from account_day
          where account_id = ${call.accountId} and day >= ${first} and day < ${end}`
      : sql<Spent>`select list_nano_usd from cap_balance
          join api_key on api_key.cap_group_id = cap_balance.cap_group_id
          where key_id = ${call.keyId} and month = ${month}`;
  const { rows } = await query.execute(db);
  return rows[0]?.list_nano_usd ?? 0n;
}

interface Spent {
  /** Null where there is no row to add up. */
  readonly list_nano_usd: NanoUsd | null;
}

interface TermsRow extends PriceTable {
  readonly contract_version: number | null;
  readonly discount_bps: number | null;
  readonly contract_tiers: string | null;
  readonly key_terms_version: number | null;
  readonly key_tiers: string | null;
}

function toTerms(row: TermsRow): Terms {
  const keyTiers = storedTiers(row.key_tiers);
  const tiers = keyTiers.length > 0 ? keyTiers : storedTiers(row.contract_tiers);
  const whose = keyTiers.length > 0 ? 'key' : 'account';
  return {
    price: { version: row.version, listPrice: toListPrice(row) },
    contractVersion: row.contract_version,
    keyTermsVersion: row.key_terms_version,
    discountBps: row.discount_bps ?? 0,
    tiers,
    tiersCount: tiers.length > 0 ? whose : null,
  };
}

/** What was checked when it was written. */
export function storedTiers(text: string | null): readonly Tier[] {
  return parseTiers(text ?? '') ?? [];
}
