/** Keeps work away from an engine that fails, and lets one trial at a time find out whether it has recovered. */
import type { Clock } from '../core/clock.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

export interface Breaker {
  state(): BreakerState;
  /** Milliseconds until an attempt may start: 0 for now; while the one trial of a half-open breaker runs, a moment. */
  openMs(): number;
  /** Begins an attempt, whose end must be told. */
  begin(): BreakerAttempt;
}

/** Each attempt ends once, in one of three ways; further ends are ignored. */
export interface BreakerAttempt {
  /** The engine is well, whatever it said of the piece. */
  succeeded(): void;
  /** @param atOnce whether one such failure is enough: nobody can be served until something is mended. */
  failed(atOnce: boolean): void;
  /** Nothing was learnt: the caller left, or the engine was merely busy. */
  undecided(): void;
}

/** So many failures in a row open it, and so many among the last outcomes. */
const FAILURES_IN_A_ROW_MAX = 5;
const OUTCOMES_KEPT = 20;
const FAILURES_AMONG_KEPT_MAX = 10;

const OPEN_MS = 5_000;
const OPEN_MS_MAX = 300_000;

/** How soon to ask again while a trial decides. */
const TRIAL_MS = 250;

export function createBreaker(clock: Clock): Breaker {
  /** The last outcomes, the newest at the end; true is a failure. */
  let outcomes: boolean[] = [];
  let openMs = OPEN_MS;
  /** Null while it is closed. */
  let openUntil: number | null = null;
  let trial: BreakerAttempt | null = null;
  /** Attempts that began before it opened or closed last say nothing about the time since. */
  let epoch = 0;

  const state = (): BreakerState => {
    if (openUntil === null) return 'closed';
    return trial !== null || clock.now() >= openUntil ? 'half_open' : 'open';
  };

  function open(): void {
    if (openUntil !== null) openMs = Math.min(openMs * 2, OPEN_MS_MAX);
    openUntil = clock.now() + openMs;
    outcomes = [];
    epoch += 1;
  }

  function close(): void {
    openUntil = null;
    openMs = OPEN_MS;
    outcomes = [];
    epoch += 1;
  }

  function note(isFailure: boolean): void {
    outcomes = [...outcomes, isFailure].slice(-OUTCOMES_KEPT);
    const inARow = outcomes.length - 1 - outcomes.lastIndexOf(false);
    const among = outcomes.filter((failure) => failure).length;
    if (inARow >= FAILURES_IN_A_ROW_MAX || among >= FAILURES_AMONG_KEPT_MAX) open();
  }

  return {
    state,
    openMs() {
      if (trial !== null) return TRIAL_MS;
      return openUntil === null ? 0 : Math.max(0, openUntil - clock.now());
    },
    begin() {
      const began = epoch;
      const isTrial = state() === 'half_open' && trial === null;
      let ended = false;
      const end = (outcome: 'succeeded' | 'failed' | 'failed-at-once' | 'undecided'): void => {
        if (ended) return;
        ended = true;
        if (trial === attempt) trial = null;
        if (began !== epoch || outcome === 'undecided') return;
        if (isTrial && outcome === 'succeeded') close();
        else if (isTrial || outcome === 'failed-at-once') open();
        else note(outcome === 'failed');
      };
      const attempt: BreakerAttempt = {
        succeeded: () => end('succeeded'),
        failed: (atOnce) => end(atOnce ? 'failed-at-once' : 'failed'),
        undecided: () => end('undecided'),
      };
      if (isTrial) trial = attempt;
      return attempt;
    },
  };
}
