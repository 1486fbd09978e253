/**
 * Statements whose text never changes: kysely writes the text once for each database, and afterwards a call only puts its
 * values in. Writing it anew takes several times as long as the rest of a hold does on the main thread.
 */
import type { CompiledQuery } from 'kysely';
import type { Db } from './store.ts';

/** Stands for a value while the text is written. */
class Place {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** @param build must do nothing with a value but hand it to kysely, or it would be looked at only once. */
export function compileOnce<Values extends object>(
  build: (db: Db, values: Values) => CompiledQuery,
): (db: Db, values: Values) => CompiledQuery {
  // Transactions of one database share its adapter.
  const written = new WeakMap<object, CompiledQuery>();
  const places = new Proxy({} as Values, { get: (_, name) => new Place(String(name)) });
  return (db, values) => {
    const { adapter } = db.getExecutor();
    const query = written.get(adapter) ?? build(db, places);
    written.set(adapter, query);
    const valueOf = (parameter: unknown): unknown =>
      parameter instanceof Place ? values[parameter.name as keyof Values] : parameter;
    return { ...query, parameters: query.parameters.map(valueOf) };
  };
}
