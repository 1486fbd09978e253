/** Decides once how integers leave the database: money as bigint, all else as number. */
import type { KyselyPlugin, PluginTransformResultArgs, QueryResult, UnknownRow } from 'kysely';
import { assert } from '../core/errors.ts';

/** Columns, and aliases of sums, whose name ends so are money. */
const MONEY_SUFFIX = '_nano_usd';

export const integersPlugin: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    for (const row of result.rows) {
      for (const [name, value] of Object.entries(row)) {
        if (typeof value === 'bigint' && !name.endsWith(MONEY_SUFFIX)) row[name] = toNumber(name, value);
      }
    }
    return Promise.resolve(result);
  },
};

function toNumber(name: string, value: bigint): number {
  const number = Number(value);
  assert(Number.isSafeInteger(number), `the column ${name} holds an integer that a number can carry`);
  return number;
}
