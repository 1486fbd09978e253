/** What can be asked about calls, and the answer in the shape of `GET /v1/usage`; `usage.ts` answers. */

export const USAGE_GROUPS = ['day', 'model', 'key'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

export interface UsageQuery {
  /** Null for all accounts, or for all keys. */
  readonly accountId: string | null;
  readonly keyId: string | null;
  /** The first instant, and the first one after the last, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly groupBy: UsageGroup;
}

export interface UsageTotals {
  readonly requests: number;
  /** Requests with a status of 400 or above. */
  readonly errors: number;
  /** Of decoded audio. */
  readonly seconds: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly list_usd: string;
  readonly cost_usd: string;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  readonly group_by: UsageGroup;
  /** In the order of the groups; a call that named no model counts in the group `""`. */
  readonly data: readonly ({ readonly group: string } & UsageTotals)[];
  readonly total: UsageTotals;
}
