/** What the calls of a group add up to, as the database gives it. */
export interface Sums {
  requests: number;
  duration_ms: number;
  input_tokens: number;
  output_tokens: number;
  list_nano_usd: bigint;
  cost_nano_usd: bigint;
}

export const NO_SUMS: Sums = {
  requests: 0,
  duration_ms: 0,
  input_tokens: 0,
  output_tokens: 0,
  list_nano_usd: 0n,
  cost_nano_usd: 0n,
};

export function addSums(one: Sums, other: Sums): Sums {
  return {
    requests: one.requests + other.requests,
    duration_ms: one.duration_ms + other.duration_ms,
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    list_nano_usd: one.list_nano_usd + other.list_nano_usd,
    cost_nano_usd: one.cost_nano_usd + other.cost_nano_usd,
  };
}

export function subtractSums(one: Sums, other: Sums): Sums {
  return {
    requests: one.requests - other.requests,
    duration_ms: one.duration_ms - other.duration_ms,
    input_tokens: one.input_tokens - other.input_tokens,
    output_tokens: one.output_tokens - other.output_tokens,
    list_nano_usd: one.list_nano_usd - other.list_nano_usd,
    cost_nano_usd: one.cost_nano_usd - other.cost_nano_usd,
  };
}
