import { sql, type Kysely } from 'kysely';
import type { DatabaseFacts } from '../facts.ts';
import type { Migration } from '../migrate.ts';
import type { Schema } from '../schema.ts';

/** Who may look at the dashboard and what they did there, and what its pages need so that none of them reads every call. */
export const dashboard: Migration = {
  name: 'dashboard',
  async up(db, facts) {
    await createUserTables(db, facts);
    await createAuditTable(db, facts);
    await createTotals(db, facts);
    await createIndexes(db);
  },
};

async function createUserTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table dashboard_user (
    user_id text primary key,
    email text not null unique,
    role text not null check (role in ('operator', 'owner', 'viewer')),
    account_id text references account,
    password_hash text,
    created_at ${int64} not null,
    last_login_at ${int64},
    check ((role = 'operator') = (account_id is null))
  ) ${strictTable}`.execute(db);
  await sql`create index dashboard_user_by_time on dashboard_user (created_at, user_id)`.execute(db);
  await sql`create table one_time_link (
    token_digest text primary key,
    user_id text references dashboard_user,
    created_at ${int64} not null,
    expires_at ${int64} not null,
    used_at ${int64}
  ) ${strictTable}`.execute(db);
  await sql`create table dashboard_session (
    session_digest text primary key,
    user_id text not null references dashboard_user,
    created_at ${int64} not null,
    seen_at ${int64} not null,
    expires_at ${int64} not null
  ) ${strictTable}`.execute(db);
  await sql`create index dashboard_session_by_user on dashboard_session (user_id)`.execute(db);
  await sql`create table login_delay (
    subject text primary key,
    failures ${int64} not null check (failures >= 0),
    retry_at ${int64} not null,
    forget_at ${int64} not null
  ) ${strictTable}`.execute(db);
  await sql`create index login_delay_by_end on login_delay (forget_at)`.execute(db);
}

async function createAuditTable(db: Kysely<Schema>, facts: DatabaseFacts): Promise<void> {
  const { int64, strictTable } = facts;
  await sql`create table audit (
    audit_id text primary key,
    at ${int64} not null,
    user_id text references dashboard_user,
    account_id text references account,
    action text not null,
    target text,
    address text,
    detail text not null
  ) ${strictTable}`.execute(db);
  await sql`create index audit_by_time on audit (at, audit_id)`.execute(db);
  await sql`create index audit_by_action on audit (action, at, audit_id)`.execute(db);
  await facts.appendOnly(db, 'audit');
}

async function createTotals(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table account_day (
    account_id text not null references account,
    day ${int64} not null,
    model text not null,
    requests ${int64} not null,
    errors ${int64} not null,
    duration_ms ${int64} not null,
    input_tokens ${int64} not null,
    output_tokens ${int64} not null,
    list_nano_usd ${int64} not null,
    cost_nano_usd ${int64} not null,
    primary key (account_id, day, model)
  ) ${strictTable}`.execute(db);
  await sql`insert into account_day (account_id, day, model, requests, errors, duration_ms, input_tokens, output_tokens,
      list_nano_usd, cost_nano_usd)
    select account_id, day, model, cast(sum(requests) as bigint), cast(sum(errors) as bigint),
      cast(sum(duration_ms) as bigint), cast(sum(input_tokens) as bigint), cast(sum(output_tokens) as bigint),
      cast(sum(list_nano_usd) as bigint), cast(sum(cost_nano_usd) as bigint)
    from usage_day group by account_id, day, model`.execute(db);
  await sql`create table key_month (
    account_id text not null references account,
    month text not null,
    key_id text not null references api_key,
    model text not null,
    requests ${int64} not null,
    errors ${int64} not null,
    duration_ms ${int64} not null,
    input_tokens ${int64} not null,
    output_tokens ${int64} not null,
    list_nano_usd ${int64} not null,
    cost_nano_usd ${int64} not null,
    primary key (account_id, month, key_id, model)
  ) ${strictTable}`.execute(db);
  await fillKeyMonths(db);
  await sql`alter table usage_day add column last_at ${int64} not null default 0`.execute(db);
  await sql`update usage_day set last_at = coalesce((
    select max(started_at) from request where request.account_id = usage_day.account_id
      and started_at >= usage_day.day * 86400000 and started_at < (usage_day.day + 1) * 86400000
      and request.key_id = usage_day.key_id), 0)`.execute(db);
}

/** The databases write dates in different ways, so that the days of each month are found here. */
async function fillKeyMonths(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    select min(day) as first, max(day) as last from usage_day`.execute(db);
  const { first = null, last = null } = rows[0] ?? {};
  if (first === null || last === null) return;
  for (let day = first; day <= last;) {
    const date = new Date(day * DAY_MS);
    const end = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) / DAY_MS;
    await sql`insert into key_month (account_id, month, key_id, model, requests, errors, duration_ms, input_tokens,
        output_tokens, list_nano_usd, cost_nano_usd)
      select account_id, ${date.toISOString().slice(0, 7)}, key_id, model, cast(sum(requests) as bigint),
        cast(sum(errors) as bigint), cast(sum(duration_ms) as bigint), cast(sum(input_tokens) as bigint),
        cast(sum(output_tokens) as bigint), cast(sum(list_nano_usd) as bigint), cast(sum(cost_nano_usd) as bigint)
      from usage_day where day >= ${day} and day < ${end} group by account_id, key_id, model`.execute(db);
    day = end;
  }
}

const DAY_MS = 86_400_000;

/**
 * The indexes of `request` grow at their ends only, or hold few rows: what they cost a call stays small. One that begins
 * with the key would write a page of its own for each key, so that a key's calls are found by its days.
 */
async function createIndexes(db: Kysely<Schema>): Promise<void> {
  await sql`create index request_by_time on request (started_at, request_id, status, duration_ms)`.execute(db);
  await sql`create index request_failed on request (account_id, started_at) where status >= 400`.execute(db);
  await sql`create index request_failed_by_time on request (started_at) where status >= 400`.execute(db);
  await sql`create index request_warned on request (account_id, started_at) where warnings <> '[]'`.execute(db);
  await sql`create index request_warned_by_time on request (started_at) where warnings <> '[]'`.execute(db);
  await sql`create index usage_day_by_key on usage_day (key_id, day)`.execute(db);
  await sql`create index api_key_by_time on api_key (created_at, key_id)`.execute(db);
  await sql`create index api_key_by_cap_group on api_key (cap_group_id)`.execute(db);
  await sql`create index account_by_time on account (created_at, account_id)`.execute(db);
  await sql`create index job_by_time on job (created_at, job_id)`.execute(db);
  await sql`create index webhook_delivery_by_time on webhook_delivery (created_at, delivery_id)`.execute(db);
  await sql`create index transfer_by_payer on transfer (credit_account, created_at) where hold_id is null`.execute(db);
  await sql`create index transfer_by_payee on transfer (debit_account, created_at) where hold_id is null`.execute(db);
}
