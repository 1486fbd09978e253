/** The list prices of the models, by version and by the date from which each holds. The database is the truth. */
import type { Clock } from '../core/clock.ts';
import { AppError, assert } from '../core/errors.ts';
import type { PriceTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { ListPrice } from './price.ts';

/** One row of the price book; a charge names its version. */
export interface PriceVersion {
  readonly model: string;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly listPrice: ListPrice;
}

export interface NewPrice {
  readonly model: string;
  readonly listPrice: ListPrice;
  /** Milliseconds since 1970; null for at once. */
  readonly validFrom: number | null;
}

export interface PriceBook {
  /** Every version, by model and then by the date from which it holds. */
  list(): Promise<PriceVersion[]>;
  /** Adds a version. `invalid_parameter` for a date that has passed: calls since then have been charged already. */
  set(price: NewPrice): Promise<PriceVersion>;
  /** Gives its first price to each model that has none; a model that has one keeps it. */
  ensure(models: readonly { readonly model: string; readonly listPrice: ListPrice }[]): Promise<void>;
  /** What holds at an instant: the price with the latest date up to it, and of those the latest version; null where none does. */
  at(model: string, instantMs: number): Promise<PriceVersion | null>;
}

export function createPriceBook({ store, clock }: PriceBookOptions): PriceBook {
  const { db } = store;
  return {
    async list() {
      const rows = await db
        .selectFrom('price')
        .selectAll()
        .orderBy('model')
        .orderBy('valid_from')
        .orderBy('version')
        .execute();
      return rows.map(toVersion);
    },
    set: ({ model, listPrice, validFrom }) =>
      store.transaction(async (transaction) => {
        const now = clock.now();
        if (validFrom !== null && validFrom < now) {
          throw new AppError('invalid_parameter', { message: 'The date of a price must not have passed.' });
        }
        const last = await transaction
          .selectFrom('price')
          .select('version')
          .where('model', '=', model)
          .orderBy('version', 'desc')
          .limit(1)
          .executeTakeFirst();
        const added = { model, version: (last?.version ?? 0) + 1, validFrom: validFrom ?? now, listPrice };
        await transaction
          .insertInto('price')
          .values({ model, version: added.version, valid_from: added.validFrom, ...toColumns(listPrice) })
          .execute();
        return added;
      }),
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

export interface PriceBookOptions {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
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

/** What a row of the price book says. */
export function toListPrice(row: PriceColumns): ListPrice {
  if (row.per_second_nano_usd !== null) return { per: 'second', perSecondNanoUsd: row.per_second_nano_usd };
  const { input_per_1m_nano_usd: input, output_per_1m_nano_usd: output } = row;
  assert(input !== null && output !== null, 'a price is per second or per 1M tokens');
  return { per: 'tokens', inputPer1mNanoUsd: input, outputPer1mNanoUsd: output };
}
