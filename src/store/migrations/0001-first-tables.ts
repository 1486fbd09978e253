import { sql, type Kysely } from 'kysely';
import type { DatabaseFacts } from '../facts.ts';
import type { Migration } from '../migrate.ts';
import type { Schema } from '../schema.ts';

export const firstTables: Migration = {
  name: 'first-tables',
  async up(db, facts) {
    await createKeyTables(db, facts);
    await createPriceTable(db, facts);
    await createLedgerTables(db, facts);
    await createRequestTable(db, facts);
    for (const table of ['price', 'hold', 'transfer', 'request'] as const) await facts.appendOnly(db, table);
  },
};

async function createKeyTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table account (
    account_id text primary key,
    name text not null,
    created_at ${int64} not null
  ) ${strictTable}`.execute(db);
  await sql`create table cap_group (
    cap_group_id text primary key,
    cap_nano_usd ${int64} check (cap_nano_usd >= 0)
  ) ${strictTable}`.execute(db);
  await sql`create table api_key (
    key_id text primary key,
    account_id text not null references account,
    cap_group_id text not null references cap_group,
    kind text not null check (kind in ('wholesale', 'console')),
    name text not null,
    secret_digest text not null,
    last_four text not null,
    requests_per_minute ${int64} check (requests_per_minute > 0),
    concurrency ${int64} check (concurrency > 0),
    created_at ${int64} not null,
    expires_at ${int64},
    retires_at ${int64},
    revoked_at ${int64}
  ) ${strictTable}`.execute(db);
  await sql`create index api_key_by_account on api_key (account_id)`.execute(db);
}

async function createPriceTable(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table price (
    model text not null,
    version ${int64} not null check (version > 0),
    valid_from ${int64} not null,
    input_per_1m_nano_usd ${int64} check (input_per_1m_nano_usd >= 0),
    output_per_1m_nano_usd ${int64} check (output_per_1m_nano_usd >= 0),
    per_second_nano_usd ${int64} check (per_second_nano_usd >= 0),
    primary key (model, version),
    check ((input_per_1m_nano_usd is null) = (output_per_1m_nano_usd is null)),
    check ((input_per_1m_nano_usd is null) <> (per_second_nano_usd is null))
  ) ${strictTable}`.execute(db);
}

async function createLedgerTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table instance (
    instance_id text primary key,
    lease_until ${int64} not null
  ) ${strictTable}`.execute(db);
  await sql`create table hold (
    hold_id text primary key,
    request_id text not null,
    account_id text not null references account,
    key_id text not null references api_key,
    cap_group_id text not null references cap_group,
    month text not null,
    model text not null,
    amount_nano_usd ${int64} not null check (amount_nano_usd >= 0),
    created_at ${int64} not null,
    unique (hold_id, amount_nano_usd)
  ) ${strictTable}`.execute(db);
  await sql`create index hold_by_request on hold (request_id)`.execute(db);
  await sql`create table open_hold (
    hold_id text primary key references hold,
    instance_id text not null references instance
  ) ${strictTable}`.execute(db);
  await sql`create index open_hold_by_instance on open_hold (instance_id)`.execute(db);
  // The unique hold_id lets a hold end only once; the pair of foreign key and check keeps a charge within its hold.
  await sql`create table transfer (
    transfer_id text primary key,
    kind text not null,
    hold_id text unique,
    held_nano_usd ${int64},
    debit_account text not null,
    credit_account text not null,
    amount_nano_usd ${int64} not null check (amount_nano_usd >= 0),
    reason text,
    created_at ${int64} not null,
    foreign key (hold_id, held_nano_usd) references hold (hold_id, amount_nano_usd),
    check (debit_account <> credit_account),
    check ((kind in ('settle', 'void')) = (hold_id is not null)),
    check ((hold_id is null) = (held_nano_usd is null)),
    check (held_nano_usd is null or amount_nano_usd <= held_nano_usd),
    check ((kind = 'void') = (reason is not null)),
    check (kind <> 'void' or amount_nano_usd = 0)
  ) ${strictTable}`.execute(db);
  await sql`create table cap_balance (
    cap_group_id text not null references cap_group,
    month text not null,
    settled_nano_usd ${int64} not null check (settled_nano_usd >= 0),
    held_nano_usd ${int64} not null check (held_nano_usd >= 0),
    primary key (cap_group_id, month)
  ) ${strictTable}`.execute(db);
}

async function createRequestTable(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table request (
    request_id text primary key,
    account_id text not null references account,
    key_id text not null references api_key,
    model text,
    engine text,
    engines text not null,
    status ${int64} not null,
    code text,
    client_request_id text,
    user_id text,
    started_at ${int64} not null,
    duration_ms ${int64} not null check (duration_ms >= 0),
    input_tokens ${int64} not null check (input_tokens >= 0),
    output_tokens ${int64} not null check (output_tokens >= 0),
    estimated ${int64} not null check (estimated in (0, 1)),
    list_nano_usd ${int64} not null check (list_nano_usd >= 0),
    cost_nano_usd ${int64} not null check (cost_nano_usd >= 0),
    price_version ${int64},
    foreign key (model, price_version) references price (model, version),
    check (status < 400 or cost_nano_usd = 0)
  ) ${strictTable}`.execute(db);
  await sql`create index request_by_key on request (key_id, started_at)`.execute(db);
  await sql`create index request_by_account on request (account_id, started_at)`.execute(db);
}
