/** Keys as a table shows them: with what they have spent of their cap this month, and when they were last used. */
import { sql } from 'kysely';
import { monthEnd, monthOf } from '../billing/month.ts';
import { AppError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import { keyIsLive } from '../store/key-is-live.ts';
import type { Db } from '../store/store.ts';
import {
  behind,
  isoTime,
  isoTimeOrNull,
  likePart,
  pageSize,
  readCursor,
  toPage,
  type Page,
  type PageQuery,
} from './page.ts';

export interface KeysQuery extends PageQuery {
  /** Null for all accounts. */
  readonly accountId: string | null;
  /** A part of the name, of the id or of the last four characters. */
  readonly text: string | undefined;
  readonly state: 'live' | 'ended' | 'all' | undefined;
  readonly kind: 'wholesale' | 'console' | undefined;
}

export type KeyEntry = ReturnType<typeof showKey>;

/** The newest first. */
export async function keyPage(db: Db, query: KeysQuery, now: number): Promise<Page<KeyEntry>> {
  const size = pageSize(query);
  let keys = keysOf(db, query.accountId, now).where(
    behind(readCursor(query.cursor), 'api_key.created_at', 'api_key.key_id'),
  );
  if (query.kind !== undefined) keys = keys.where('api_key.kind', '=', query.kind);
  if (query.state === 'live') keys = keys.where(keyIsLive(now));
  if (query.state === 'ended') keys = keys.where(sql<boolean>`not (${keyIsLive(now)})`);
  if (query.text !== undefined && query.text.trim() !== '') {
    const part = likePart(query.text.trim());
    keys = keys.where(
      sql<boolean>`(lower(api_key.name) like ${part} escape '\\' or lower(api_key.key_id) like ${part} escape '\\'
        or lower(api_key.last_four) like ${part} escape '\\')`,
    );
  }
  const rows = await keys
    .orderBy('api_key.created_at', 'desc')
    .orderBy('api_key.key_id', 'desc')
    .limit(size + 1)
    .execute();
  return toPage(
    rows,
    size,
    (row) => ({ at: row.created_at, id: row.key_id }),
    (row) => showKey(row, now),
  );
}

/** Throws `not_found`, also for a key of another account. */
export async function findKey(db: Db, accountId: string | null, keyId: string, now: number): Promise<KeyEntry> {
  const row = await keysOf(db, accountId, now).where('api_key.key_id', '=', keyId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', { message: 'There is no key with this id.' });
  return showKey(row, now);
}

/** How many keys could be used at this moment. */
export async function countLiveKeys(db: Db, accountId: string | null, now: number): Promise<number> {
  let query = db
    .selectFrom('api_key')
    .select((select) => select.fn.countAll<number>().as('keys'))
    .where(keyIsLive(now));
  if (accountId !== null) query = query.where('account_id', '=', accountId);
  return (await query.executeTakeFirstOrThrow()).keys;
}

function keysOf(db: Db, accountId: string | null, now: number) {
  const keys = db
    .selectFrom('api_key')
    .innerJoin('account', 'account.account_id', 'api_key.account_id')
    .innerJoin('cap_group', 'cap_group.cap_group_id', 'api_key.cap_group_id')
    .leftJoin('cap_balance', (join) =>
      join.onRef('cap_balance.cap_group_id', '=', 'api_key.cap_group_id').on('cap_balance.month', '=', monthOf(now)),
    )
    .leftJoin('key_terms', (join) =>
      join.onRef('key_terms.cap_group_id', '=', 'api_key.cap_group_id').on('key_terms.version', '=', (on) =>
        on
          .selectFrom('key_terms as latest')
          .select((select) => select.fn.max('latest.version').as('version'))
          .whereRef('latest.cap_group_id', '=', 'api_key.cap_group_id'),
      ),
    )
    .selectAll('api_key')
    .select(['account.name as account_name', 'cap_group.cap_nano_usd', 'key_terms.tiers'])
    .select(['cap_balance.settled_nano_usd', 'cap_balance.held_nano_usd'])
    .select(
      sql<number | null>`(select max(last_at) from usage_day where usage_day.key_id = api_key.key_id
        and day = (select max(day) from usage_day as days where days.key_id = api_key.key_id))`.as('last_used_at'),
    );
  return accountId === null ? keys : keys.where('api_key.account_id', '=', accountId);
}

type KeyFields = Awaited<ReturnType<ReturnType<typeof keysOf>['executeTakeFirstOrThrow']>>;

function showKey(row: KeyFields, now: number) {
  const spent = row.settled_nano_usd ?? 0n;
  const held = row.held_nano_usd ?? 0n;
  const left = row.cap_nano_usd === null ? null : row.cap_nano_usd - spent - held;
  return {
    key_id: row.key_id,
    account: { account_id: row.account_id, name: row.account_name },
    name: row.name,
    kind: row.kind,
    last_four: row.last_four,
    state: stateOf(row, now),
    cap_usd: row.cap_nano_usd === null ? null : formatUsd(row.cap_nano_usd),
    spent_usd: formatUsd(spent),
    held_usd: formatUsd(held),
    // A cap that was lowered below what has been spent leaves nothing, not less.
    remaining_usd: left === null ? null : formatUsd(left < 0n ? 0n : left),
    resets_at: isoTime(monthEnd(now)),
    requests_per_minute: row.requests_per_minute,
    concurrency: row.concurrency,
    allowed_models: storedList(row.allowed_models),
    allowed_addresses: storedList(row.allowed_addresses),
    tiers: row.tiers ?? '',
    created_at: isoTime(row.created_at),
    last_used_at: isoTimeOrNull(row.last_used_at),
    expires_at: isoTimeOrNull(row.expires_at),
    retires_at: isoTimeOrNull(row.retires_at),
    revoked_at: isoTimeOrNull(row.revoked_at),
  };
}

function stateOf(row: KeyFields, now: number): 'live' | 'retiring' | 'expired' | 'revoked' {
  if (row.revoked_at !== null) return 'revoked';
  if ((row.expires_at ?? Infinity) <= now || (row.retires_at ?? Infinity) <= now) return 'expired';
  return row.retires_at === null ? 'live' : 'retiring';
}

function storedList(text: string | null): readonly string[] | null {
  return text === null ? null : (JSON.parse(text) as string[]);
}
