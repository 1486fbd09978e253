export interface FetchLimits {
  readonly urlCharactersMax: number;
  readonly addressesMax: number;
  readonly redirectsMax: number;
  /** All header lines of one answer together. */
  readonly headerBytesMax: number;
  readonly bodyBytesMax: number;
  readonly resolveMs: number;
  /** TCP and TLS together, over all addresses of the name. */
  readonly connectMs: number;
  /** From the request that has been sent to the answer's headers. */
  readonly headersMs: number;
  /** Between two chunks of the body. */
  readonly idleMs: number;
  /** Redirects and body included. */
  readonly totalMs: number;
  /** Over each `rateWindowMs` in which the source was waited for. */
  readonly bytesPerSecondMin: number;
  readonly rateWindowMs: number;
}

export const DEFAULT_FETCH_LIMITS: FetchLimits = {
  urlCharactersMax: 2_048,
  addressesMax: 16,
  redirectsMax: 5,
  headerBytesMax: 16_384,
  bodyBytesMax: 1_073_741_824,
  resolveMs: 3_000,
  connectMs: 5_000,
  headersMs: 10_000,
  idleMs: 10_000,
  totalMs: 60_000,
  bytesPerSecondMin: 1_024,
  rateWindowMs: 10_000,
};
