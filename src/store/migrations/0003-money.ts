import { sql, type Kysely } from 'kysely';
import type { DatabaseFacts } from '../facts.ts';
import type { Migration } from '../migrate.ts';
import type { Schema } from '../schema.ts';

export const money: Migration = {
  name: 'money',
  async up(db, facts) {
    await addColumns(db, facts);
    await createContractTables(db, facts);
    await createBalanceTables(db, facts);
    await createCallTables(db, facts);
    for (const table of ['contract', 'key_terms', 'request_timing'] as const) await facts.appendOnly(db, table);
    await fillCaches(db);
  },
};

async function addColumns(db: Kysely<Schema>, { int64 }: DatabaseFacts): Promise<void> {
  const columns = [
    sql`api_key add column allowed_models text`,
    sql`api_key add column allowed_addresses text`,
    sql`cap_balance add column list_nano_usd ${int64} not null default 0 check (list_nano_usd >= 0)`,
    sql`transfer add column note text`,
    sql`request add column warnings text not null default '[]'`,
    sql`request add column contract_version ${int64}`,
    sql`request add column key_terms_version ${int64}`,
    sql`request add column spent_list_nano_usd ${int64}`,
  ];
  for (const column of columns) await sql`alter table ${column}`.execute(db);
}

async function createContractTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table contract (
    account_id text not null references account,
    version ${int64} not null check (version > 0),
    valid_from ${int64} not null,
    discount_bps ${int64} not null check (discount_bps between 0 and 10000),
    tiers text not null,
    primary key (account_id, version)
  ) ${strictTable}`.execute(db);
  await sql`create table key_terms (
    cap_group_id text not null references cap_group,
    version ${int64} not null check (version > 0),
    valid_from ${int64} not null,
    tiers text not null,
    primary key (cap_group_id, version)
  ) ${strictTable}`.execute(db);
}

async function createBalanceTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table account_balance (
    account_id text primary key references account,
    prepaid ${int64} not null check (prepaid in (0, 1)),
    balance_nano_usd ${int64} not null,
    held_nano_usd ${int64} not null check (held_nano_usd >= 0)
  ) ${strictTable}`.execute(db);
  await sql`create table account_month (
    account_id text not null references account,
    month text not null,
    list_nano_usd ${int64} not null check (list_nano_usd >= 0),
    primary key (account_id, month)
  ) ${strictTable}`.execute(db);
  await sql`create table usage_day (
    account_id text not null references account,
    day ${int64} not null,
    key_id text not null references api_key,
    model text not null,
    requests ${int64} not null,
    errors ${int64} not null,
    duration_ms ${int64} not null,
    input_tokens ${int64} not null,
    output_tokens ${int64} not null,
    list_nano_usd ${int64} not null,
    cost_nano_usd ${int64} not null,
    primary key (account_id, day, key_id, model)
  ) ${strictTable}`.execute(db);
}

async function createCallTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table idempotency (
    cap_group_id text not null references cap_group,
    idempotency_key text not null,
    fingerprint text not null,
    request_id text not null unique,
    instance_id text not null,
    reply text,
    expires_at ${int64} not null,
    primary key (cap_group_id, idempotency_key)
  ) ${strictTable}`.execute(db);
  await sql`create index idempotency_by_end on idempotency (expires_at)`.execute(db);
  await sql`create table request_timing (
    request_id text primary key references request,
    download_ms ${int64},
    decode_ms ${int64},
    detect_ms ${int64},
    queue_ms ${int64},
    engine_ms ${int64},
    settle_ms ${int64}
  ) ${strictTable}`.execute(db);
}

/** A database of an earlier version has holds and requests that its caches did not count. */
async function fillCaches(db: Kysely<Schema>): Promise<void> {
  await sql`insert into account_balance (account_id, prepaid, balance_nano_usd, held_nano_usd)
    select account_id, 0,
      cast(-coalesce((select sum(amount_nano_usd) from transfer where debit_account = 'account:' || account.account_id), 0) as bigint),
      cast(coalesce((select sum(amount_nano_usd) from hold where hold.account_id = account.account_id
        and hold_id in (select hold_id from open_hold)), 0) as bigint)
    from account`.execute(db);
  await sql`update cap_balance set list_nano_usd = cast(coalesce((
    select sum(request.list_nano_usd) from hold join request on request.request_id = hold.request_id
    where hold.cap_group_id = cap_balance.cap_group_id and hold.month = cap_balance.month
      and hold.hold_id in (select hold_id from transfer where kind = 'settle')), 0) as bigint)`.execute(db);
  await sql`insert into account_month (account_id, month, list_nano_usd)
    select hold.account_id, hold.month, cast(sum(request.list_nano_usd) as bigint)
    from hold join request on request.request_id = hold.request_id
    where hold.hold_id in (select hold_id from transfer where kind = 'settle')
    group by hold.account_id, hold.month`.execute(db);
  await sql`insert into usage_day (account_id, day, key_id, model, requests, errors, duration_ms, input_tokens,
      output_tokens, list_nano_usd, cost_nano_usd)
    select account_id, started_at / 86400000, key_id,
      case when code = 'model_not_found' then '' else coalesce(model, '') end, count(*),
      count(case when status >= 400 then 1 end), cast(sum(duration_ms) as bigint), cast(sum(input_tokens) as bigint),
      cast(sum(output_tokens) as bigint), cast(sum(list_nano_usd) as bigint), cast(sum(cost_nano_usd) as bigint)
    from request group by 1, 2, 3, 4`.execute(db);
}
