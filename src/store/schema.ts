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
 */
export interface TransferTable {
  transfer_id: string;
  kind: 'settle' | 'void';
  hold_id: string | null;
  /** The hold's amount once more, so that the database itself can refuse a charge above it. */
  held_nano_usd: bigint | null;
  debit_account: string;
  credit_account: string;
  amount_nano_usd: bigint;
  /** Why a hold was voided. */
  reason: string | null;
  created_at: number;
}

/** A cache of what `hold` and `transfer` add up to: the row that the check of a cap reads and locks. */
export interface CapBalanceTable {
  cap_group_id: string;
  month: string;
  settled_nano_usd: bigint;
  held_nano_usd: bigint;
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
}
