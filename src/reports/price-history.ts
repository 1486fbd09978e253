/** The price book of one model, the newest version first. */
import { priceBody, type PriceBody } from '../billing/quote.ts';
import type { PriceBook, PriceVersion } from '../billing/price-book.ts';
import { isoTime, pageSize, readCursor, toPage, type Page, type PageQuery } from './page.ts';

export interface PriceEntry {
  readonly model: string;
  readonly version: number;
  readonly valid_from: string;
  readonly price: PriceBody;
  readonly state: 'current' | 'coming' | 'past';
}

/** A model has as many versions as its operator wrote by hand: they are read whole and cut into pages. */
export async function priceHistory(
  book: Pick<PriceBook, 'list' | 'at'>,
  model: string,
  query: PageQuery,
  now: number,
): Promise<Page<PriceEntry>> {
  const size = pageSize(query);
  const begin = readCursor(query.cursor);
  const current = await book.at(model, now);
  const versions = (await book.list())
    .filter((version) => version.model === model)
    .toSorted((one, other) => other.validFrom - one.validFrom || other.version - one.version);
  const rest = versions.filter(
    ({ validFrom, version }) =>
      begin === null || validFrom < begin.at || (validFrom === begin.at && version < Number(begin.id)),
  );
  return toPage(
    rest.slice(0, size + 1),
    size,
    ({ validFrom, version }) => ({ at: validFrom, id: String(version) }),
    (version) => showPrice(version, current?.version ?? null, now),
  );
}

/** @param current the version that counts now; null where none does. */
export function showPrice(version: PriceVersion, current: number | null, now: number): PriceEntry {
  const isCurrent = version.version === current;
  return {
    model: version.model,
    version: version.version,
    valid_from: isoTime(version.validFrom),
    price: priceBody(version.listPrice),
    state: isCurrent ? 'current' : version.validFrom > now ? 'coming' : 'past',
  };
}
