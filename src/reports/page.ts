/** Pages of rows by the place where the page before ended: the thousandth costs as much as the first. */
import { sql, type RawBuilder } from 'kysely';
import { AppError } from '../core/errors.ts';

/** Where a page begins, or null for the first one: behind this row, the newest rows coming first. */
export interface Position {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id: string;
}

export interface PageQuery {
  readonly cursor: string | undefined;
  readonly limit: number | undefined;
}

export interface Page<Row> {
  readonly data: readonly Row[];
  readonly next_cursor: string | null;
}

const PAGE = 50;
export const PAGE_MAX = 200;

export function pageSize({ limit }: PageQuery): number {
  return Math.min(limit ?? PAGE, PAGE_MAX);
}

/** Throws `invalid_parameter` for a text that was no `next_cursor`. */
export function readCursor(text: string | undefined): Position | null {
  if (text === undefined) return null;
  const [, at, id] = /^(\d{1,15})\.([\w-]{0,200})$/.exec(text) ?? [];
  if (at !== undefined && id !== undefined) return { at: Number(at), id };
  throw new AppError('invalid_parameter', {
    param: 'cursor',
    message: 'The parameter "cursor" is not one that a page gave as its next. Begin with the first page.',
  });
}

export function writeCursor({ at, id }: Position): string {
  return `${at}.${id}`;
}

/** Older than the position; all rows where there is none. */
export function behind(position: Position | null, at: string, id: string): RawBuilder<boolean> {
  if (position === null) return sql<boolean>`true`;
  return sql<boolean>`(${sql.ref(at)}, ${sql.ref(id)}) < (${position.at}, ${position.id})`;
}

/** @param rows one more than the page has, where there are more. */
export function toPage<Row, Shown>(
  rows: readonly Row[],
  size: number,
  positionOf: (row: Row) => Position,
  show: (row: Row) => Shown,
): Page<Shown> {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    data: shown.map(show),
    next_cursor: rows.length > size && last !== undefined ? writeCursor(positionOf(last)) : null,
  };
}

/** A text as the part that is looked for by `like … escape '\'`, whatever it holds. */
export function likePart(text: string): string {
  return `%${text.toLowerCase().replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
