import { sql, type Kysely } from 'kysely';
import type { DatabaseFacts } from '../facts.ts';
import type { Migration } from '../migrate.ts';
import type { Schema } from '../schema.ts';

/** Calls that are answered later, and the webhooks that tell of their end. */
export const jobs: Migration = {
  name: 'jobs',
  async up(db, facts) {
    await createJobTables(db, facts);
    await createWebhookTables(db, facts);
  },
};

async function createJobTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table job (
    job_id text primary key,
    account_id text not null references account,
    key_id text not null references api_key,
    request_id text not null unique,
    model text not null,
    client_request_id text,
    user_id text,
    status text not null check (status in ('queued', 'running', 'completed', 'failed', 'canceled')),
    attempts ${int64} not null check (attempts >= 0),
    next_at ${int64} not null,
    input_bytes ${int64} not null check (input_bytes >= 0),
    instance_id text,
    webhook_url text,
    result text,
    error text,
    created_at ${int64} not null,
    completed_at ${int64},
    expires_at ${int64},
    check ((status = 'running') = (instance_id is not null)),
    check ((status = 'completed') = (result is not null)),
    check ((status = 'failed') = (error is not null)),
    check ((status in ('queued', 'running')) = (completed_at is null)),
    check ((completed_at is null) = (expires_at is null))
  ) ${strictTable}`.execute(db);
  await sql`create index job_by_account on job (account_id, created_at, job_id)`.execute(db);
  await sql`create index job_waiting on job (account_id, next_at, job_id, input_bytes) where status = 'queued'`.execute(
    db,
  );
  await sql`create index job_running on job (instance_id, account_id) where status = 'running'`.execute(db);
  await sql`create index job_by_expiry on job (expires_at) where expires_at is not null`.execute(db);
  await sql`create table job_input (
    job_id text primary key references job on delete cascade,
    input text not null
  ) ${strictTable}`.execute(db);
}

async function createWebhookTables(db: Kysely<Schema>, { int64, strictTable }: DatabaseFacts): Promise<void> {
  await sql`create table webhook_secret (
    account_id text not null references account,
    version ${int64} not null check (version > 0),
    sealed text not null,
    created_at ${int64} not null,
    shown_at ${int64},
    retires_at ${int64},
    primary key (account_id, version)
  ) ${strictTable}`.execute(db);
  await sql`create table webhook_delivery (
    delivery_id text primary key,
    job_id text not null references job on delete cascade,
    account_id text not null references account,
    state text not null check (state in ('pending', 'delivered', 'failed')),
    tries ${int64} not null check (tries >= 0),
    next_at ${int64} not null,
    instance_id text,
    created_at ${int64} not null,
    ended_at ${int64},
    check ((state = 'pending') = (ended_at is null)),
    check (state = 'pending' or instance_id is null)
  ) ${strictTable}`.execute(db);
  await sql`create index webhook_delivery_by_job on webhook_delivery (job_id)`.execute(db);
  await sql`create index webhook_delivery_due on webhook_delivery (next_at) where state = 'pending'`.execute(db);
  await sql`create index webhook_delivery_by_account on webhook_delivery (account_id, created_at)`.execute(db);
  await sql`create table webhook_attempt (
    attempt_id text primary key,
    delivery_id text not null references webhook_delivery on delete cascade,
    started_at ${int64} not null,
    duration_ms ${int64} not null,
    status ${int64},
    failure text,
    check ((status is null) <> (failure is null))
  ) ${strictTable}`.execute(db);
  await sql`create index webhook_attempt_by_delivery on webhook_attempt (delivery_id, started_at)`.execute(db);
}
