export type KeyKind = 'wholesale' | 'console';

/** Who is calling: one live key of one account, as it stood when the call was authenticated. */
export interface Caller {
  readonly accountId: string;
  readonly keyId: string;
  /** What the key shares with its predecessors and successors: its cap, and its limits of requests and of calls in flight. */
  readonly capGroupId: string;
  readonly kind: KeyKind;
  readonly name: string;
  /** Nano-USD a calendar month (UTC); null means no cap. */
  readonly capNanoUsd: bigint | null;
  /** Null allows every model, or every address. Addresses may be ranges (CIDR). */
  readonly allowedModels: readonly string[] | null;
  readonly allowedAddresses: readonly string[] | null;
  readonly requestsPerMinute: number;
  readonly concurrency: number;
  /** Milliseconds since 1970, or null for a key without an end. */
  readonly expiresAt: number | null;
}
