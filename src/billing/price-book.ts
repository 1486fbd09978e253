/** The list prices of the models, by version and by the date from which each holds. The database is the truth. */
import type { Clock } from '../core/clock.ts';
import { assert } from '../core/errors.ts';
import type { PriceTable } from '../store/schema.ts';
import type { Db } from '../store/store.ts';
import type { ListPrice } from './price.ts';

/** One row of the price book; a charge names its version. */
export interface PriceVersion {
  readonly model: string;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly listPrice: ListPrice;
}

export interface PriceBook {
  /** Gives its first price to each model that has none; a model that has one keeps it. */
  ensure(models: readonly { readonly model: string; readonly listPrice: ListPrice }[]): Promise<void>;
  /** What holds at an instant: the price with the latest date up to it, and of those the latest version; null where none does. */
  at(model: string, instantMs: number): Promise<PriceVersion | null>;
}

export function createPriceBook({ db, clock }: { db: Db; clock: Clock }): PriceBook {
  return {
    async ensure(models) {
      for (const { model, listPrice } of models) {
        await db
          .insertInto('price')
          .values({ model, version: 1, valid_from: clock.now(), ...toColumns(listPrice) })
          .onConflict((conflict) => conflict.columns(['model', 'version']).doNothing())
          .execute();
      }
    },
    async at(model, instantMs) {
      const row = await db
        .selectFrom('price')
        .selectAll()
        .where('model', '=', model)
        .where('valid_from', '<=', instantMs)
        .orderBy('valid_from', 'desc')
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : toVersion(row);
    },
  };
}

type PriceColumns = Pick<PriceTable, 'input_per_1m_nano_usd' | 'output_per_1m_nano_usd' | 'per_second_nano_usd'>;

function toColumns(price: ListPrice): PriceColumns {
  return price.per === 'tokens'
    ? {
        input_per_1m_nano_usd: price.inputPer1mNanoUsd,
        output_per_1m_nano_usd: price.outputPer1mNanoUsd,
        per_second_nano_usd: null,
      }
    : { input_per_1m_nano_usd: null, output_per_1m_nano_usd: null, per_second_nano_usd: price.perSecondNanoUsd };
}

function toVersion(row: PriceTable): PriceVersion {
  return { model: row.model, version: row.version, validFrom: row.valid_from, listPrice: toListPrice(row) };
}

function toListPrice(row: PriceColumns): ListPrice {
  if (row.per_second_nano_usd !== null) return { per: 'second', perSecondNanoUsd: row.per_second_nano_usd };
  const { input_per_1m_nano_usd: input, output_per_1m_nano_usd: output } = row;
  assert(input !== null && output !== null, 'a price is per second or per 1M tokens');
  return { per: 'tokens', inputPer1mNanoUsd: input, outputPer1mNanoUsd: output };
}
