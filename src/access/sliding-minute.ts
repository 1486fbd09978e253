/**
 * The window in which requests are counted: the last sixty whole seconds and the one that runs. It slides, so no sixty
 * seconds anywhere hold more than the limit; a request counts for 60 to 61 seconds.
 */
import type { Caller } from '../core/caller.ts';

/** What the `x-ratelimit-*` headers say. */
export interface RateLimit {
  /** Requests in a minute. */
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until all of them are there again. */
  readonly resetSeconds: number;
}

/** How many requests were made in one second, which is counted since 1970. */
export interface SecondCount {
  readonly second: number;
  readonly requests: number;
}

const WINDOW_SECONDS = 60;

export function secondOf(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

/** The oldest second that still counts. */
export function firstSecond(nowMs: number): number {
  return secondOf(nowMs) - WINDOW_SECONDS;
}

/** @param counts of the seconds that count, the oldest first. */
export function rateLimitOf(caller: Caller, counts: readonly SecondCount[], nowMs: number): RateLimit {
  const newest = counts.at(-1);
  return {
    limit: caller.requestsPerMinute,
    remaining: Math.max(0, caller.requestsPerMinute - sum(counts)),
    resetSeconds: newest === undefined ? 0 : secondsUntilGone(newest, nowMs),
  };
}

/** Whole seconds until one more request fits. */
export function secondsUntilFree(caller: Caller, counts: readonly SecondCount[], nowMs: number): number {
  let tooMany = sum(counts) + 1 - caller.requestsPerMinute;
  for (const count of counts) {
    if (tooMany <= 0) break;
    tooMany -= count.requests;
    if (tooMany <= 0) return secondsUntilGone(count, nowMs);
  }
  return 0;
}

function secondsUntilGone({ second }: SecondCount, nowMs: number): number {
  return Math.ceil(second + WINDOW_SECONDS + 1 - nowMs / 1000);
}

function sum(counts: readonly SecondCount[]): number {
  return counts.reduce((total, { requests }) => total + requests, 0);
}
