/** How PostgreSQL's values become JavaScript's: the same as SQLite's, so that the code above sees no difference. */
import pg from 'pg';

type Parser = (text: string) => unknown;

/** The type ids of PostgreSQL's catalogue; they never change. */
const BOOLEAN = 16;
const INTEGERS = [20, 21, 23];
const NUMERIC = 1700;

/** Whole numbers are bigint, sums of them too (PostgreSQL adds `bigint` up as `numeric`); `integersPlugin` takes it from there. */
const PARSERS: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [BOOLEAN, (text) => (text === 't' ? 1n : 0n)],
  ...INTEGERS.map((id): [number, Parser] => [id, BigInt]),
  [NUMERIC, (text) => (/^-?\d+$/.test(text) ? BigInt(text) : Number(text))],
]);

export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser: (id: number) => PARSERS.get(id) ?? (pg.types.getTypeParser(id, 'text') as Parser),
};
