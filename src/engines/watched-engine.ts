/**
 * An engine with a memory of how it has been doing: a circuit breaker, the time that it asked to be left alone, and counts
 * for the metrics. It is asked like any other engine.
 */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import { createBreaker, type Breaker, type BreakerAttempt, type BreakerState } from './breaker.ts';
import {
  EngineError,
  type Engine,
  type EngineCapabilities,
  type EngineDescription,
  type EngineFault,
  type EngineOptions,
  type EngineText,
} from './contract.ts';

export interface WatchedEngine extends Engine {
  /** Milliseconds until it may be asked, as far as is known: 0 for now. */
  askableInMs(): number;
  health(): EngineHealth;
}

export interface EngineHealth {
  readonly ready: boolean;
  readonly breaker: BreakerState;
  readonly inFlight: number;
  readonly concurrency: number;
  /** Attempts since the start, by how they ended. */
  readonly attempts: Readonly<Record<Outcome, number>>;
  /** Audio of the attempts that gave a text, and how long they took. */
  readonly audioSeconds: number;
  readonly busySeconds: number;
  /** Milliseconds since 1970 of the last text; null before the first. */
  readonly lastTextAt: number | null;
}

export const OUTCOMES = ['text', 'busy', 'failed', 'refused', 'unavailable', 'abandoned'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** How long a busy engine is left alone that doesn't say for how long: twice as long each time, up to a bound. */
const PAUSE_MS = 250;
const PAUSE_MS_MAX = 30_000;

/** What an engine may ask for at the most. */
const ASKED_PAUSE_MS_MAX = 600_000;

/** An engine that is still starting, or whose processes are being replaced, is passed over for this long. */
const NOT_READY_MS = 500;

export function watchEngine(engine: Engine, clock: Clock, log: Logger): WatchedEngine {
  return new Watched(engine, clock, log);
}

class Watched implements WatchedEngine {
  readonly id: string;
  readonly model: string | null;
  readonly capabilities: EngineCapabilities;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #breaker: Breaker;
  readonly #attempts = { text: 0, busy: 0, failed: 0, refused: 0, unavailable: 0, abandoned: 0 };
  #inFlight = 0;
  #audioSeconds = 0;
  #busyMs = 0;
  #pausedUntil = 0;
  #busyInARow = 0;
  #lastTextAt: number | null = null;

  constructor(engine: Engine, clock: Clock, log: Logger) {
    this.id = engine.id;
    this.model = engine.model;
    this.capabilities = engine.capabilities;
    this.#engine = engine;
    this.#clock = clock;
    this.#log = log;
    this.#breaker = createBreaker(clock);
  }

  get concurrency(): number {
    return this.#engine.concurrency;
  }

  get headroom(): number {
    return this.#engine.headroom ?? 0;
  }

  ready(): boolean {
    return this.#engine.ready() && this.#breaker.state() !== 'open';
  }

  askableInMs(): number {
    const waitMs = Math.max(this.#breaker.openMs(), this.#pausedUntil - this.#clock.now(), 0);
    return waitMs === 0 && !this.#engine.ready() ? NOT_READY_MS : waitMs;
  }

  describe(): EngineDescription | null {
    return this.#engine.describe?.() ?? null;
  }

  health(): EngineHealth {
    return {
      ready: this.ready(),
      breaker: this.#breaker.state(),
      inFlight: this.#inFlight,
      concurrency: this.concurrency,
      attempts: { ...this.#attempts },
      audioSeconds: this.#audioSeconds,
      busySeconds: this.#busyMs / 1000,
      lastTextAt: this.#lastTextAt,
    };
  }

  async transcribe(samples: Float32Array, options: EngineOptions, signal: AbortSignal): Promise<EngineText> {
    const attempt = this.#breaker.begin();
    const startedAt = this.#clock.now();
    this.#inFlight += 1;
    try {
      const text = await this.#engine.transcribe(samples, options, signal);
      attempt.succeeded();
      this.#attempts.text += 1;
      this.#busyInARow = 0;
      this.#audioSeconds += samples.length / SAMPLE_RATE_HZ;
      this.#busyMs += this.#clock.now() - startedAt;
      this.#lastTextAt = this.#clock.now();
      return text;
    } catch (error) {
      if (signal.aborted) {
        attempt.undecided();
        this.#attempts.abandoned += 1;
      } else this.#learn(attempt, error);
      throw error;
    } finally {
      this.#inFlight -= 1;
    }
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  #learn(attempt: BreakerAttempt, error: unknown): void {
    const fault = faultOf(error);
    this.#attempts[fault] += 1;
    if (fault === 'busy') {
      attempt.undecided();
      this.#pause(error instanceof EngineError ? error.retryAfterMs : undefined);
    } else if (fault === 'refused') attempt.succeeded();
    else attempt.failed(fault === 'unavailable');
    const detail = error instanceof AppError ? error.detail : String(error);
    this.#log.warn({ engine: this.id, fault, detail, breaker: this.#breaker.state() }, 'engine-attempt-failed');
  }

  #pause(askedMs: number | undefined): void {
    const pauseMs =
      askedMs === undefined
        ? Math.min(PAUSE_MS * 2 ** this.#busyInARow, PAUSE_MS_MAX)
        : Math.min(askedMs, ASKED_PAUSE_MS_MAX);
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + pauseMs);
    this.#busyInARow += 1;
  }
}

/** What an attempt's error means for the next one; a bug counts as a failed attempt too. */
export function faultOf(error: unknown): EngineFault {
  if (error instanceof EngineError) return error.fault;
  return error instanceof AppError && error.code === 'engine_unavailable' ? 'unavailable' : 'failed';
}
