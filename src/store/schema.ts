import type { Generated } from 'kysely';

/**
 * The tables as the code sees them. Two rules hold for every integer column: a name that ends in `_nano_usd` is money and
 * a bigint; every other is a number (times are milliseconds since 1970-01-01 UTC).
 */
export interface Schema {
  account: AccountTable;
  cap_group: CapGroupTable;
  api_key: ApiKeyTable;
  price: PriceTable;
  instance: InstanceTable;
  hold: HoldTable;
  open_hold: OpenHoldTable;
  transfer: TransferTable;
  cap_balance: CapBalanceTable;
  request: RequestTable;
  request_second: RequestSecondTable;
  call_in_flight: CallInFlightTable;
  contract: ContractTable;
  key_terms: KeyTermsTable;
  account_balance: AccountBalanceTable;
  usage_day: UsageDayTable;
  idempotency: IdempotencyTable;
  request_timing: RequestTimingTable;
  request_content: RequestContentTable;
  job: JobTable;
  job_input: JobInputTable;
  webhook_secret: WebhookSecretTable;
  webhook_delivery: WebhookDeliveryTable;
  webhook_attempt: WebhookAttemptTable;
  account_day: AccountDayTable;
  key_month: KeyMonthTable;
  dashboard_user: DashboardUserTable;
  one_time_link: OneTimeLinkTable;
  dashboard_session: DashboardSessionTable;
  login_delay: LoginDelayTable;
  audit: AuditTable;
}

export interface AccountTable {
  account_id: string;
  name: string;
  created_at: number;
}

/** What a key and its successors share: the monthly cap, and the spending that counts against it. */
export interface CapGroupTable {
  cap_group_id: string;
  /** For one calendar month (UTC); null means no cap. */
  cap_nano_usd: bigint | null;
}

export interface ApiKeyTable {
  key_id: string;
  account_id: string;
  cap_group_id: string;
  kind: 'wholesale' | 'console';
  name: string;
  /** HMAC-SHA256 of the secret, in hexadecimal. */
  secret_digest: string;
  last_four: string;
  /** Null takes the operator's default. */
  requests_per_minute: number | null;
  concurrency: number | null;
  /** JSON arrays of strings; null allows all. Addresses may be ranges (CIDR). */
  allowed_models: string | null;
  allowed_addresses: string | null;
  created_at: number;
  expires_at: number | null;
  /** The end of the grace time of a key that has been rotated. */
  retires_at: number | null;
  /** When the key was revoked; it is dead from then on. */
  revoked_at: number | null;
}

/** Append-only. Either the two token prices are set or the price of a second. */
export interface PriceTable {
  model: string;
  version: number;
  valid_from: number;
  input_per_1m_nano_usd: bigint | null;
  output_per_1m_nano_usd: bigint | null;
  per_second_nano_usd: bigint | null;
}

/** A process that makes holds. Its open holds may be voided by others once the lease has run out. */
export interface InstanceTable {
  instance_id: string;
  lease_until: number;
}

/** Append-only: an amount that was reserved before an engine started. */
export interface HoldTable {
  hold_id: string;
  request_id: string;
  account_id: string;
  key_id: string;
  cap_group_id: string;
  /** Calendar month (UTC) as `2026-07`; the month of the hold is the month of the charge. */
  month: string;
  model: string;
  amount_nano_usd: bigint;
  created_at: number;
}

/** The holds that have not ended yet, and who must end them. */
export interface OpenHoldTable {
  hold_id: string;
  instance_id: string;
}

/**
 * Append-only double entry: each row takes its amount from one ledger account and gives it to another, so every
 * transaction balances by its shape. A settlement or a void is the one transfer that ends its hold; a void moves nothing.
 * A credit raises an account's balance and a debit lowers it.
 */
export interface TransferTable {
  transfer_id: string;
  kind: 'settle' | 'void' | 'credit' | 'debit';
  hold_id: string | null;
  /** The hold's amount once more, so that the database itself can refuse a charge above it. */
  held_nano_usd: bigint | null;
  debit_account: string;
  credit_account: string;
  amount_nano_usd: bigint;
  /** Why a hold was voided. */
  reason: string | null;
  /** What the operator wrote beside a credit or a debit. */
  note: string | null;
  created_at: number;
}

/** A cache of what `hold` and `transfer` add up to: the row that the check of a cap reads and locks. */
export interface CapBalanceTable {
  cap_group_id: string;
  month: string;
  settled_nano_usd: bigint;
  held_nano_usd: bigint;
  /** List spend: what the settlements would have come to without any discount. A key's own tiers count it. */
  list_nano_usd: Generated<bigint>;
}

/** Append-only: one row for each authenticated call, whatever its end. */
export interface RequestTable {
  request_id: string;
  account_id: string;
  key_id: string;
  /** What the caller named; null where the call ended before it was read. */
  model: string | null;
  engine: string | null;
  /** A JSON array of strings. */
  engines: string;
  status: number;
  /** The code of the refusal; null for a call that was answered. */
  code: string | null;
  client_request_id: string | null;
  user_id: string | null;
  started_at: number;
  /** Decoded audio. */
  duration_ms: number;
  input_tokens: number;
  output_tokens: number;
  /** 0 or 1. */
  estimated: number;
  list_nano_usd: bigint;
  cost_nano_usd: bigint;
  price_version: number | null;
  /** A JSON array of the codes of the reply's warnings. */
  warnings: Generated<string>;
  /** Null where the account has no contract, or the key no terms. */
  contract_version: number | null;
  key_terms_version: number | null;
  /** Where tiers count: the month's list spend before this call. */
  spent_list_nano_usd: bigint | null;
}

/** The requests of a key, its predecessors and successors in one second; rows older than a minute count no more. Empty where one server counts in memory. */
export interface RequestSecondTable {
  cap_group_id: string;
  /** Seconds since 1970. */
  second: number;
  requests: number;
}

/** A call that has not ended; it counts while its process has a lease. Empty where one server counts in memory. */
export interface CallInFlightTable {
  call_id: string;
  cap_group_id: string;
  instance_id: string;
}

/** Append-only: what an account has agreed on. Tiers are written as `1000:500,10000:1200`. */
export interface ContractTable {
  account_id: string;
  version: number;
  valid_from: number;
  discount_bps: number;
  tiers: string;
}

/** Append-only: tiers of a key and its successors, which count their spend instead of the account's. */
export interface KeyTermsTable {
  cap_group_id: string;
  version: number;
  valid_from: number;
  tiers: string;
}

/** A cache of what `hold` and `transfer` add up to for an account: the row that the check of a prepaid balance reads and locks. */
export interface AccountBalanceTable {
  account_id: string;
  /** 0 or 1: whether the balance limits the account's calls. */
  prepaid: number;
  /** Credits less debits and settlements. */
  balance_nano_usd: bigint;
  held_nano_usd: bigint;
}

/** A cache of what the rows of `request` add up to in a day (UTC). */
export interface UsageDayTable {
  account_id: string;
  /** Days since 1970. */
  day: number;
  key_id: string;
  /** Empty for calls that named no known model. */
  model: string;
  requests: number;
  errors: number;
  duration_ms: number;
  input_tokens: number;
  output_tokens: number;
  list_nano_usd: bigint;
  cost_nano_usd: bigint;
  /** When the last of these calls began. */
  last_at: Generated<number>;
}

/** A cache of what the rows of `usage_day` add up to without their keys, of which there may be thousands. */
export type AccountDayTable = Omit<UsageDayTable, 'key_id' | 'last_at'>;

/** A cache of what the rows of `usage_day` add up to in a calendar month (UTC), such as `2026-07`. */
export type KeyMonthTable = Omit<UsageDayTable, 'day' | 'last_at'> & { month: string };

/** A claim on an idempotency key, and later the reply to it. Keys of one cap group share them. */
export interface IdempotencyTable {
  cap_group_id: string;
  idempotency_key: string;
  /** Of the request that made the claim. */
  fingerprint: string;
  request_id: string;
  /** The process that works on it: the claim is void once that has no lease any more. */
  instance_id: string;
  /** Null while the call runs. */
  reply: string | null;
  expires_at: number;
}

/** Append-only: where a call spent its time, in milliseconds; null for a step that it did not come to. */
export interface RequestTimingTable {
  request_id: string;
  download_ms: number | null;
  decode_ms: number | null;
  detect_ms: number | null;
  queue_ms: number | null;
  engine_ms: number | null;
  settle_ms: number | null;
}

/** Only where the operator turned it on. */
export interface RequestContentTable {
  request_id: string;
  url: string | null;
  transcript: string | null;
  /** Milliseconds since 1970. */
  forget_at: number;
}

export type JobStatus = 'queued' | 'running' | 'completed' | 'failed' | 'canceled';

/** A call that is answered later. */
export interface JobTable {
  job_id: string;
  account_id: string;
  /** The key that made it, and that it runs with. */
  key_id: string;
  /** The id of the call that it makes: of its hold, its charge and its records. */
  request_id: string;
  model: string;
  client_request_id: string | null;
  user_id: string | null;
  status: JobStatus;
  /** How often it was begun; one that was given back does not count. */
  attempts: number;
  /** A queued job is begun from then on. */
  next_at: number;
  /** Of its input, while it has one. */
  input_bytes: number;
  /** The process that works on it: the job is free again once that has no lease any more. */
  instance_id: string | null;
  webhook_url: string | null;
  /** The body of the reply; JSON. */
  result: string | null;
  /** What the caller sees of the error; JSON. */
  error: string | null;
  created_at: number;
  completed_at: number | null;
  /** When an ended job is forgotten. */
  expires_at: number | null;
}

/** What a job needs to run. It may hold the audio itself, and goes with the end of the job. */
export interface JobInputTable {
  job_id: string;
  input: string;
}

/** What an account's webhooks are signed with: the newest version, and those before it that have not retired yet. */
export interface WebhookSecretTable {
  account_id: string;
  version: number;
  /** Encrypted with a key that is made from the pepper. */
  sealed: string;
  created_at: number;
  /** Null while nobody has seen it. */
  shown_at: number | null;
  /** The end of the grace time of a secret that has been rotated. */
  retires_at: number | null;
}

/** A webhook that is owed, was delivered, or was given up. Its id is the one that the receiver sees at every try. */
export interface WebhookDeliveryTable {
  delivery_id: string;
  job_id: string;
  account_id: string;
  state: 'pending' | 'delivered' | 'failed';
  /** Since it was first sent, or since it was last replayed. */
  tries: number;
  next_at: number;
  /** The process that is sending it, while one is. */
  instance_id: string | null;
  created_at: number;
  ended_at: number | null;
}

/** One try to deliver a webhook. It has the status that was answered, or the kind of failure. */
export interface WebhookAttemptTable {
  attempt_id: string;
  delivery_id: string;
  started_at: number;
  duration_ms: number;
  status: number | null;
  failure: string | null;
}

export type UserRole = 'operator' | 'owner' | 'viewer';

/** A person who may log in to the dashboard. */
export interface DashboardUserTable {
  user_id: string;
  /** In lower case. */
  email: string;
  role: UserRole;
  /** Null for operators, and for nobody else. */
  account_id: string | null;
  /** Null until the one-time link is used. */
  password_hash: string | null;
  created_at: number;
  last_login_at: number | null;
  /** Null unless the user has been removed: the row stays for the audit log, without password, sessions and links. */
  removed_at: number | null;
}

/** Lets whoever has it choose a password, once. */
export interface OneTimeLinkTable {
  /** SHA-256 of the token, in hexadecimal. */
  token_digest: string;
  /** Null for the link of a first start, which makes the operator's user. */
  user_id: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface DashboardSessionTable {
  /** SHA-256 of the session's id, in hexadecimal. */
  session_digest: string;
  user_id: string;
  created_at: number;
  /** About when it was last used. */
  seen_at: number;
  /** It ends then, however often it is used. */
  expires_at: number;
}

/** Failed log-ins of an account or from an address. */
export interface LoginDelayTable {
  subject: string;
  failures: number;
  /** No password is looked at before. */
  retry_at: number;
  forget_at: number;
}

/** Append-only: every change and every log-in. */
export interface AuditTable {
  audit_id: string;
  at: number;
  /** Null for a log-in that failed, and for commands on the server. */
  user_id: string | null;
  /** Whose things were changed; null where they are nobody's in particular. */
  account_id: string | null;
  /** Noun and verb, such as `key.create`. */
  action: string;
  /** The id of what it was done to. */
  target: string | null;
  address: string | null;
  /** JSON; never a secret. */
  detail: string;
}
