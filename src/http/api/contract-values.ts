/** What the requests and replies of `/api` are made of. */
import { z } from 'zod';

export const ROLES = ['operator', 'owner', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

export const id = z.string().min(1).max(100);
export const text = (max: number) => z.string().trim().min(1, 'must not be empty').max(max);
export const usd = z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount in US dollars such as "12.50"');
/** A day (its first moment, UTC) or a time with its zone. */
export const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/, 'must be a date or a time in ISO 8601');
/** As `earshot key create --tiers` takes them: `1000:500,10000:1200`; empty for none. */
export const tiers = z
  .string()
  .max(1_000)
  .regex(/^$|^[\d.]+:\d+(,[\d.]+:\d+)*$/, 'must look like "1000:500,10000:1200"');
export const discountBps = z.int().min(0).max(10_000);
/** Of requests that have all they need in their path. */
export const nothing = z.strictObject({});
export const count = z.int().min(1).max(1_000_000);
export const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month such as "2026-07"');
export const page = {
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(200).optional(),
};
export const account = { account: id.optional() };

/** Newest first. `next_cursor` is null at the end. */
export interface Page<Row> {
  readonly data: readonly Row[];
  readonly next_cursor: string | null;
}

export interface AccountName {
  readonly account_id: string;
  readonly name: string;
}

export interface UsageSums {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly list_usd: string;
  readonly cost_usd: string;
}

/**
 * What pages below `/dashboard/` may do. Recordings that are played are blobs of the page's own; nothing comes from
 * elsewhere.
 */
export const DASHBOARD_CONTENT_SECURITY_POLICY =
  "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
