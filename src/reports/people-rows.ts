/** The operator's lists: accounts, users, and the audit log. */
import { sql } from 'kysely';
import { DAY_MS, monthOf } from '../billing/month.ts';
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

export interface TextQuery extends PageQuery {
  /** A part of what is looked for. */
  readonly text: string | undefined;
}

export type AccountEntry = ReturnType<typeof showAccount>;
export type UserEntry = ReturnType<typeof showUser>;
export type AuditRowEntry = ReturnType<typeof showAudit>;

/** The newest first. */
export async function accountPage(db: Db, query: TextQuery, now: number): Promise<Page<AccountEntry>> {
  const size = pageSize(query);
  let accounts = accountsOf(db, now).where(
    behind(readCursor(query.cursor), 'account.created_at', 'account.account_id'),
  );
  if (query.text !== undefined && query.text.trim() !== '') {
    const part = likePart(query.text.trim());
    accounts = accounts.where(
      sql<boolean>`(lower(account.name) like ${part} escape '\\' or lower(account.account_id) like ${part} escape '\\')`,
    );
  }
  const rows = await accounts
    .orderBy('account.created_at', 'desc')
    .orderBy('account.account_id', 'desc')
    .limit(size + 1)
    .execute();
  return toPage(rows, size, (row) => ({ at: row.created_at, id: row.account_id }), showAccount);
}

/** Throws `not_found`. */
export async function findAccountEntry(db: Db, accountId: string, now: number): Promise<AccountEntry> {
  const row = await accountsOf(db, now).where('account.account_id', '=', accountId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
  return showAccount(row);
}

function accountsOf(db: Db, now: number) {
  const monthDay = Date.parse(`${monthOf(now)}-01`) / DAY_MS;
  return db
    .selectFrom('account')
    .leftJoin('contract', (join) =>
      join.onRef('contract.account_id', '=', 'account.account_id').on('contract.version', '=', (on) =>
        on
          .selectFrom('contract as latest')
          .select((select) => select.fn.max('latest.version').as('version'))
          .whereRef('latest.account_id', '=', 'account.account_id')
          .where('latest.valid_from', '<=', now),
      ),
    )
    .leftJoin('account_balance', 'account_balance.account_id', 'account.account_id')
    .select(['account.account_id', 'account.name', 'account.created_at'])
    .select(['contract.version', 'contract.valid_from', 'contract.discount_bps', 'contract.tiers'])
    .select(['account_balance.prepaid', 'account_balance.balance_nano_usd'])
    .select([
      sql<number>`(select count(*) from api_key where api_key.account_id = account.account_id and ${keyIsLive(now)})`.as(
        'live_keys',
      ),
      sql<bigint | null>`(select sum(cost_nano_usd) from account_day
        where account_day.account_id = account.account_id and day >= ${monthDay})`.as('month_nano_usd'),
      sql<number | null>`(select sum(requests) from account_day
        where account_day.account_id = account.account_id and day >= ${monthDay})`.as('month_requests'),
    ]);
}

type AccountFields = Awaited<ReturnType<ReturnType<typeof accountsOf>['executeTakeFirstOrThrow']>>;

function showAccount(row: AccountFields) {
  return {
    account_id: row.account_id,
    name: row.name,
    created_at: isoTime(row.created_at),
    contract: showContract(row),
    prepaid: row.prepaid === 1,
    balance_usd: row.prepaid === 1 ? formatUsd(row.balance_nano_usd ?? 0n) : null,
    live_keys: row.live_keys,
    month_cost_usd: formatUsd(row.month_nano_usd ?? 0n),
    month_requests: row.month_requests ?? 0,
  };
}

export interface ContractFields {
  readonly version: number | null;
  readonly valid_from: number | null;
  readonly discount_bps: number | null;
  readonly tiers: string | null;
}

export function showContract({ version, valid_from: validFrom, discount_bps: bps, tiers }: ContractFields) {
  if (version === null) return null;
  return { version, valid_from: isoTime(validFrom ?? 0), discount_bps: bps ?? 0, tiers: tiers ?? '' };
}

/** The newest first. */
export async function userPage(db: Db, query: TextQuery): Promise<Page<UserEntry>> {
  const size = pageSize(query);
  let users = usersOf(db).where(behind(readCursor(query.cursor), 'person.created_at', 'person.user_id'));
  if (query.text !== undefined && query.text.trim() !== '')
    users = users.where(sql<boolean>`person.email like ${likePart(query.text.trim())} escape '\\'`);
  const rows = await users
    .orderBy('person.created_at', 'desc')
    .orderBy('person.user_id', 'desc')
    .limit(size + 1)
    .execute();
  return toPage(rows, size, (row) => ({ at: row.created_at, id: row.user_id }), showUser);
}

/** Throws `not_found`. */
export async function findUserEntry(db: Db, userId: string): Promise<UserEntry> {
  const row = await usersOf(db).where('person.user_id', '=', userId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', { message: 'There is no user with this id.' });
  return showUser(row);
}

function usersOf(db: Db) {
  return db
    .selectFrom('dashboard_user as person')
    .leftJoin('account', 'account.account_id', 'person.account_id')
    .where('person.removed_at', 'is', null)
    .select(['person.user_id', 'person.email', 'person.role', 'person.account_id', 'person.created_at'])
    .select(['person.last_login_at', 'account.name as account_name'])
    .select(sql<number>`case when person.password_hash is null then 0 else 1 end`.as('has_password'));
}

type UserFields = Awaited<ReturnType<ReturnType<typeof usersOf>['executeTakeFirstOrThrow']>>;

function showUser(row: UserFields) {
  return {
    user_id: row.user_id,
    email: row.email,
    role: row.role,
    account: accountName(row.account_id, row.account_name),
    created_at: isoTime(row.created_at),
    last_login_at: isoTimeOrNull(row.last_login_at),
    has_password: row.has_password === 1,
  };
}

function accountName(accountId: string | null, name: string | null) {
  return accountId === null ? null : { account_id: accountId, name: name ?? '' };
}

export interface AuditQuery extends PageQuery {
  /** Such as `key.create`; undefined for all. */
  readonly action: string | undefined;
}

/** The newest first. */
export async function auditPage(db: Db, query: AuditQuery): Promise<Page<AuditRowEntry>> {
  const size = pageSize(query);
  let entries = auditOf(db).where(behind(readCursor(query.cursor), 'audit.at', 'audit.audit_id'));
  if (query.action !== undefined && query.action !== '') entries = entries.where('audit.action', '=', query.action);
  const rows = await entries
    .orderBy('audit.at', 'desc')
    .orderBy('audit.audit_id', 'desc')
    .limit(size + 1)
    .execute();
  return toPage(rows, size, (row) => ({ at: row.at, id: row.audit_id }), showAudit);
}

function auditOf(db: Db) {
  return db
    .selectFrom('audit')
    .leftJoin('dashboard_user as person', 'person.user_id', 'audit.user_id')
    .leftJoin('account', 'account.account_id', 'audit.account_id')
    .selectAll('audit')
    .select(['person.email', 'account.name as account_name']);
}

type AuditFields = Awaited<ReturnType<ReturnType<typeof auditOf>['executeTakeFirstOrThrow']>>;

function showAudit(row: AuditFields) {
  return {
    audit_id: row.audit_id,
    at: isoTime(row.at),
    user: row.user_id === null ? null : { user_id: row.user_id, email: row.email ?? '' },
    account: accountName(row.account_id, row.account_name),
    action: row.action,
    target: row.target,
    address: row.address,
    detail: JSON.parse(row.detail) as Record<string, string | number | boolean | null>,
  };
}

/** What was changed lately, for those who watch: the rows of the log behind a place, and the place behind them. */
export async function auditSince(
  db: Db,
  since: number,
): Promise<
  readonly {
    readonly at: number;
    readonly audit_id: string;
    readonly action: string;
    readonly account_id: string | null;
  }[]
> {
  return db
    .selectFrom('audit')
    .select(['at', 'audit_id', 'action', 'account_id'])
    .where('at', '>=', since)
    .orderBy('at')
    .orderBy('audit_id')
    .limit(CHANGES_MAX)
    .execute();
}

const CHANGES_MAX = 500;
