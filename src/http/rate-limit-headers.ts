import type { RateLimit } from '../access/admit.ts';

export function setRateLimitHeaders(headers: Headers, limit: RateLimit): void {
  headers.set('x-ratelimit-limit-requests', String(limit.limit));
  headers.set('x-ratelimit-remaining-requests', String(limit.remaining));
  headers.set('x-ratelimit-reset-requests', `${limit.resetSeconds}s`);
}
