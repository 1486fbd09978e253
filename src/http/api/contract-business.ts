/** What is agreed on and what comes of it: prices, statements, jobs and webhooks, and the operator's own screens. */
import { z } from 'zod';
import type { ModelPrice, Price, EngineHealth, RequestRow } from './contract-calls.ts';
import {
  id,
  text,
  usd,
  instant,
  tiers,
  discountBps,
  month,
  page,
  account,
  type Role,
  ROLES,
  type AccountName,
  type UsageSums,
  nothing,
} from './contract-values.ts';

// 6. Models and prices.

/** `GET /api/models?account`. */
export interface ModelsReply {
  readonly data: readonly ModelEntry[];
}

export interface ModelEntry extends ModelPrice {
  /** In the order in which they are asked. */
  readonly engines: readonly (EngineHealth & { readonly model: string | null; readonly stand_in: boolean })[];
  /** The one that would answer now; null where none can. */
  readonly serves_now: string | null;
  readonly audio_tokens_per_minute: number;
  /** Of all that the viewer may see, this month. */
  readonly month: UsageSums;
}

/** `GET /api/models/prices?model`: the price book, the newest first. */
export const pricesQuery = z.strictObject({ ...page, model: text(100) });
export interface PriceVersion {
  readonly model: string;
  readonly version: number;
  readonly valid_from: string;
  readonly price: Price;
  /** `current` counts now; `coming` lies ahead; `past` was replaced. */
  readonly state: 'current' | 'coming' | 'past';
}

/** `POST /api/prices` (operator) gives the `PriceVersion`. Without `valid_from`: from now on. */
export const setPriceRequest = z.strictObject({
  model: text(100),
  price: z.union([
    z.strictObject({ input_usd_per_1m: usd, output_usd_per_1m: usd }),
    z.strictObject({ usd_per_second: usd }),
  ]),
  valid_from: instant.optional(),
});
export type SetPriceRequest = z.infer<typeof setPriceRequest>;

/** `POST /api/prices/preview` and `POST /api/contracts/preview`: last month's calls, charged anew. Nothing is changed. */
export interface ChangePreview {
  /** Last month, UTC. */
  readonly month: string;
  readonly requests: number;
  readonly list_usd_before: string;
  readonly list_usd_after: string;
  readonly cost_usd_before: string;
  readonly cost_usd_after: string;
  readonly accounts: readonly (AccountName & { readonly cost_usd_before: string; readonly cost_usd_after: string })[];
}

/** `POST /api/contracts` (operator) gives the `Contract`. Without `valid_from`: from now on. */
export const setContractRequest = z.strictObject({
  account_id: id,
  discount_bps: discountBps,
  tiers,
  valid_from: instant.optional(),
});
export type SetContractRequest = z.infer<typeof setContractRequest>;

export interface Contract {
  readonly version: number;
  readonly valid_from: string;
  readonly discount_bps: number;
  readonly tiers: string;
}

// 7. Billing.

/** `GET /api/statements`, and `GET /api/statements.csv` with the same query. Without a month: this one. An operator names the account. */
export const statementsQuery = z.strictObject({ ...account, month: month.optional() });

export interface StatementAmounts extends Omit<UsageSums, 'errors'> {
  readonly discount_usd: string;
}

export interface StatementReply {
  readonly account: AccountName;
  readonly month: string;
  /** False while the month goes on. */
  readonly closed: boolean;
  readonly lines: readonly ({
    readonly model: string;
    readonly key_id: string;
    readonly key_name: string;
  } & StatementAmounts)[];
  readonly total: StatementAmounts;
  /** The months that have calls, the newest first, with what each came to. */
  readonly months: readonly { readonly month: string; readonly cost_usd: string }[];
  readonly contract: Contract | null;
  /** Null where the account is not prepaid and never had a credit. */
  readonly balance: {
    /** Whether it limits the account's calls. */
    readonly prepaid: boolean;
    readonly balance_usd: string;
    readonly held_usd: string;
    /** Credits and debits, the newest hundred. */
    readonly entries: readonly {
      readonly kind: 'credit' | 'debit';
      readonly amount_usd: string;
      readonly note: string | null;
      readonly created_at: string;
    }[];
  } | null;
}

/**
 * `POST /api/credits` (operator) adds to a balance, or takes from it by `debit`; gives the new `StatementReply['balance']`.
 * `prepaid` adds, and makes the account prepaid.
 */
export const creditRequest = z.strictObject({
  account_id: id,
  kind: z.enum(['credit', 'prepaid', 'debit']),
  usd,
  note: text(500),
});
export type CreditRequest = z.infer<typeof creditRequest>;

// 8. Jobs and webhooks.

export const JOB_STATES = ['queued', 'running', 'completed', 'failed', 'canceled'] as const;

/** `GET /api/jobs`. */
export const jobsQuery = z.strictObject({ ...page, ...account, status: z.enum(JOB_STATES).optional() });
export interface JobRow {
  readonly job_id: string;
  readonly account: AccountName;
  readonly key: RequestRow['key'];
  readonly request_id: string;
  readonly model: string;
  readonly status: (typeof JOB_STATES)[number];
  readonly attempts: number;
  readonly created_at: string;
  readonly completed_at: string | null;
  readonly expires_at: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The host alone: the rest may be a secret. */
  readonly webhook_host: string | null;
}

/** `GET /api/deliveries`. */
export const deliveriesQuery = z.strictObject({
  ...page,
  ...account,
  state: z.enum(['pending', 'delivered', 'failed']).optional(),
});
export interface DeliveryRow {
  readonly delivery_id: string;
  readonly job_id: string;
  readonly account: AccountName;
  readonly host: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly tries: number;
  /** Null once it has ended. */
  readonly next_at: string | null;
  readonly created_at: string;
  readonly ended_at: string | null;
  /** The oldest first. */
  readonly attempts: readonly {
    readonly started_at: string;
    readonly duration_ms: number;
    readonly status: number | null;
    readonly failure: string | null;
  }[];
}

/** `POST /api/deliveries/{id}/replay` with `{}` gives the `DeliveryRow`. */
export const replayRequest = z.strictObject({});

/** `GET /api/webhook-secret?account`: what there is of it that isn't secret. Null where nobody asked for one yet. */
export interface WebhookSecretFacts {
  readonly version: number;
  readonly created_at: string;
  readonly shown_at: string | null;
  /** When the one before it stops signing; null where none does. */
  readonly old_retires_at: string | null;
}

/** `POST /api/webhook-secret` makes the first, or rotates it; an operator names the account. */
export const webhookSecretRequest = z.strictObject({ account_id: id.optional() });
export interface IssuedWebhookSecret extends WebhookSecretFacts {
  /** `whsec_…`: the only time that it is sent. */
  readonly secret: string;
}

// 9. The operator. For everybody else: 403 `role_not_allowed`.

/** `GET /api/accounts`. */
export const accountsQuery = z.strictObject({ ...page, q: z.string().max(200).optional() });
export interface AccountRow extends AccountName {
  readonly created_at: string;
  readonly contract: Contract | null;
  readonly prepaid: boolean;
  readonly balance_usd: string | null;
  readonly live_keys: number;
  readonly month_cost_usd: string;
  readonly month_requests: number;
}

/** `POST /api/accounts` gives the `AccountRow`. With `balance_usd` the account is prepaid. */
export const createAccountRequest = z.strictObject({
  name: text(200),
  discount_bps: discountBps.optional(),
  tiers: tiers.optional(),
  balance_usd: usd.optional(),
});
export type CreateAccountRequest = z.infer<typeof createAccountRequest>;

/** `GET /api/users`. */
export const usersQuery = z.strictObject({ ...page, q: z.string().max(200).optional() });
export interface UserRow {
  readonly user_id: string;
  readonly email: string;
  readonly role: Role;
  readonly account: AccountName | null;
  readonly created_at: string;
  readonly last_login_at: string | null;
  /** False while the one-time link has not been used. */
  readonly has_password: boolean;
}

/** `POST /api/users`; the account is needed for all but operators. */
export const createUserRequest = z.strictObject({
  email: z.email().max(254),
  role: z.enum(ROLES),
  account_id: id.optional(),
});
export type CreateUserRequest = z.infer<typeof createUserRequest>;
/** Also of `POST /api/users/{id}/link`, after which earlier links of theirs are none. */
export interface UserWithLink {
  readonly row: UserRow;
  /** The one time that it is sent. */
  readonly setup_url: string;
  readonly expires_at: string;
}

/** `POST /api/users/{id}/link` with `{}`; `POST /api/users/{id}/remove` with `{}` gives the `UserRow` that was. */
export const userRequest = nothing;

/** `GET /api/engines`. */
export interface EnginesReply {
  readonly data: readonly EngineEntry[];
  readonly queue: { readonly waiting_pieces: number; readonly waiting_audio_seconds: number };
}

export interface EngineEntry extends EngineHealth {
  readonly model: string | null;
  readonly attempts: Readonly<Record<'text' | 'busy' | 'failed' | 'refused' | 'unavailable' | 'abandoned', number>>;
  readonly audio_seconds: number;
  readonly busy_seconds: number;
  readonly last_text_at: string | null;
  /** Milliseconds until it may be asked; 0 for now. */
  readonly askable_in_ms: number;
}

/** `GET /api/audit`: every change and every log-in, the newest first. */
export const auditQuery = z.strictObject({ ...page, action: z.string().max(100).optional() });
export interface AuditRow {
  readonly audit_id: string;
  readonly at: string;
  /** Null for a log-in that failed, and for commands on the server. */
  readonly user: { readonly user_id: string; readonly email: string } | null;
  readonly account: AccountName | null;
  /** Noun and verb: `key.create`, `user.login`. */
  readonly action: string;
  /** What it was done to: the id of a key, a user, a model. */
  readonly target: string | null;
  readonly address: string | null;
  /** What was changed; never a secret. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}
