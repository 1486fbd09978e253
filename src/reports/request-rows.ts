/** The log of calls, page by page. No page reads more than a bounded stretch of the log, however many calls there are. */
import { sql, type RawBuilder } from 'kysely';
import { DAY_MS } from '../billing/month.ts';
import type { Clock } from '../core/clock.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import {
  behind,
  isoTime,
  pageSize,
  readCursor,
  toPage,
  writeCursor,
  type Page,
  type PageQuery,
  type Position,
} from './page.ts';

export interface RequestsQuery extends PageQuery {
  /** Null for all accounts. */
  readonly accountId: string | null;
  /** The first instant, and the first one after the last. */
  readonly from: number | null;
  readonly to: number | null;
  /** `ok` below 400, `error` from 400. */
  readonly status: 'ok' | 'error' | undefined;
  readonly keyId: string | undefined;
  readonly model: string | undefined;
  readonly engine: string | undefined;
  readonly code: string | undefined;
  /** Took longer than so many milliseconds. */
  readonly slowMs: number | undefined;
  /** Only calls whose reply had warnings. */
  readonly warned: boolean;
}

export type RequestEntry = ReturnType<typeof showRequest>;

/** How much of the log is looked through at a time, and how long a page goes on looking for rows that pass its filter. */
const STRETCH = 2_000;
const LOOKING_MS_MAX = 60;

/**
 * The newest first. With a filter that few calls pass, a page may have fewer rows than asked for, or none, and still a
 * cursor: the next page goes on looking from there.
 */
export async function requestPage(db: Db, query: RequestsQuery, clock: Clock): Promise<Page<RequestEntry>> {
  const size = pageSize(query);
  const position = readCursor(query.cursor);
  if (!isSelective(query)) return firstOf(await read(db, query, position, query.from, size + 1), size);
  const until = clock.now() + LOOKING_MS_MAX;
  const found: RequestRow[] = [];
  let place: Position | null = position;
  do {
    const stretch = await nextStretch(db, query, place);
    if (stretch === null) return firstOf(found, size);
    place = stretch.begin;
    found.push(...(await read(db, query, stretch.begin, stretch.end, size + 1 - found.length)));
    if (found.length > size) return firstOf(found, size);
    place = { at: stretch.end, id: '' };
  } while (clock.now() < until);
  return { data: found.map(showRequest), next_cursor: writeCursor(place) };
}

function firstOf(rows: readonly RequestRow[], size: number): Page<RequestEntry> {
  return toPage(rows, size, (row) => ({ at: row.started_at, id: row.request_id }), showRequest);
}

/** Null for a call of another account too. */
export async function findRequest(db: Db, accountId: string | null, requestId: string): Promise<RequestRow | null> {
  const rows = await rowsOf(db).where('request.request_id', '=', requestId).where(ofAccount(accountId)).execute();
  return rows[0] ?? null;
}

/** The calls that began last, the newest first, for those who watch. */
export async function newestCalls(
  db: Db,
): Promise<readonly { readonly requestId: string; readonly accountId: string }[]> {
  return db
    .selectFrom('request')
    .select(['request_id as requestId', 'account_id as accountId'])
    .orderBy('started_at', 'desc')
    .orderBy('request_id', 'desc')
    .limit(NEWEST_MAX)
    .execute();
}

/** Of more than so many at once, and of calls that were overtaken by so many, a page hears when it is read anew. */
const NEWEST_MAX = 200;

/** Whether an index leads past the calls that the filter leaves out. */
function isSelective({ keyId, model, engine, code, slowMs, warned, status }: RequestsQuery): boolean {
  return [keyId, model, engine, code, slowMs].some((value) => value !== undefined) || warned || status === 'ok';
}

interface Stretch {
  /** Rows behind it count, down to those that began at `end`. */
  readonly begin: Position | null;
  readonly end: number;
}

/** The next part of the log that can have calls of the filter; null where there is none any more. */
async function nextStretch(db: Db, query: RequestsQuery, place: Position | null): Promise<Stretch | null> {
  const from = query.from ?? 0;
  const newest = Math.min(query.to ?? Infinity, place === null ? Infinity : place.at + (place.id === '' ? 0 : 1));
  if (newest <= from) return null;
  // The totals of the days know on which of them a key or a model was used.
  const day = daysAreKnown(query) ? await newestDay(db, query, newest) : ANY_DAY;
  if (day === null) return null;
  const begin = day !== ANY_DAY && (day + 1) * DAY_MS < newest ? { at: (day + 1) * DAY_MS, id: '' } : place;
  const last = await db
    .selectFrom('request')
    .select('started_at')
    .where(ofAccount(query.accountId))
    .where(indexed(query))
    .where(behind(begin, 'request.started_at', 'request.request_id'))
    .where('started_at', '<', query.to ?? Number.MAX_SAFE_INTEGER)
    .where('started_at', '>=', from)
    .orderBy('started_at', 'desc')
    .offset(STRETCH - 1)
    .limit(1)
    .executeTakeFirst();
  return { begin, end: Math.max(from, last?.started_at ?? 0, day * DAY_MS) };
}

function daysAreKnown({ keyId, model }: RequestsQuery): boolean {
  return keyId !== undefined || (model !== undefined && model !== '');
}

/** Where the totals know nothing of the filter, any day may have a call. */
const ANY_DAY = 0;

/** Of the days that begin before `before`. */
async function newestDay(db: Db, query: RequestsQuery, before: number): Promise<number | null> {
  const latest = before === Infinity ? Number.MAX_SAFE_INTEGER : Math.floor((before - 1) / DAY_MS);
  const { rows } = await sql<{ day: number }>`
    select day from ${sql.table(query.keyId === undefined ? 'account_day' : 'usage_day')}
    where day <= ${latest}
      and ${query.keyId === undefined ? sql`true` : sql`key_id = ${query.keyId}`}
      and ${query.accountId === null ? sql`true` : sql`account_id = ${query.accountId}`}
      and ${query.model === undefined || query.model === '' ? sql`true` : sql`model = ${query.model}`}
    order by day desc limit 1`.execute(db);
  return rows[0]?.day ?? null;
}

/** Conditions that have an index of the few rows that meet them. */
function indexed({ status, code, warned }: RequestsQuery): RawBuilder<boolean> {
  if (status === 'error' || code !== undefined) return sql<boolean>`request.status >= 400`;
  return warned ? sql<boolean>`request.warnings <> '[]'` : sql<boolean>`true`;
}

async function read(
  db: Db,
  query: RequestsQuery,
  begin: Position | null,
  end: number | null,
  limit: number,
): Promise<RequestRow[]> {
  let rows = rowsOf(db)
    .where(ofAccount(query.accountId))
    .where(indexed(query))
    .where(behind(begin, 'request.started_at', 'request.request_id'))
    .where('request.started_at', '>=', end ?? 0);
  if (query.to !== null) rows = rows.where('request.started_at', '<', query.to);
  if (query.status !== undefined) rows = rows.where('request.status', query.status === 'ok' ? '<' : '>=', 400);
  if (query.keyId !== undefined) rows = rows.where('request.key_id', '=', query.keyId);
  if (query.model !== undefined)
    rows = query.model === '' ? rows.where('request.model', 'is', null) : rows.where('request.model', '=', query.model);
  if (query.engine !== undefined) rows = rows.where('request.engine', '=', query.engine);
  if (query.code !== undefined) rows = rows.where('request.code', '=', query.code);
  if (query.warned) rows = rows.where('request.warnings', '<>', '[]');
  if (query.slowMs !== undefined) rows = rows.where(sql<boolean>`${TOOK_MS} > ${query.slowMs}`);
  return rows.orderBy('request.started_at', 'desc').orderBy('request.request_id', 'desc').limit(limit).execute();
}

function ofAccount(accountId: string | null): RawBuilder<boolean> {
  return accountId === null ? sql<boolean>`true` : sql<boolean>`request.account_id = ${accountId}`;
}

/** Downloading overlaps decoding and the detection of speech: the longer of the two counts. Null where no step was timed. */
export const TOOK_MS = sql<number | null>`case when request_timing.request_id is null then null else
  (case when coalesce(download_ms, 0) > coalesce(decode_ms, 0) + coalesce(detect_ms, 0) then coalesce(download_ms, 0)
    else coalesce(decode_ms, 0) + coalesce(detect_ms, 0) end)
  + coalesce(queue_ms, 0) + coalesce(engine_ms, 0) + coalesce(settle_ms, 0) end`;

function rowsOf(db: Db) {
  return db
    .selectFrom('request')
    .innerJoin('account', 'account.account_id', 'request.account_id')
    .innerJoin('api_key', 'api_key.key_id', 'request.key_id')
    .leftJoin('request_timing', 'request_timing.request_id', 'request.request_id')
    .selectAll('request')
    .select(['account.name as account_name', 'api_key.name as key_name', 'api_key.last_four'])
    .select(['download_ms', 'decode_ms', 'detect_ms', 'queue_ms', 'engine_ms', 'settle_ms'])
    .select(TOOK_MS.as('took_ms'));
}

export type RequestRow = Awaited<ReturnType<ReturnType<typeof rowsOf>['executeTakeFirstOrThrow']>>;

export function showRequest(row: RequestRow) {
  return {
    request_id: row.request_id,
    account: { account_id: row.account_id, name: row.account_name },
    key: { key_id: row.key_id, name: row.key_name, last_four: row.last_four },
    model: row.model,
    engine: row.engine,
    status: row.status,
    code: row.code,
    started_at: isoTime(row.started_at),
    took_ms: row.took_ms,
    audio_seconds: row.duration_ms / 1000,
    cost_usd: formatUsd(row.cost_nano_usd),
    warnings: JSON.parse(row.warnings) as string[],
  };
}
