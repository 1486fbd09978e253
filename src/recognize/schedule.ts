/** The queue in front of the engines: bounded in audio seconds over all calls, and fair between keys at the grain of pieces. */
import type { Clock } from '../core/clock.ts';
import { AppError, assert } from '../core/errors.ts';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import type { Engine } from '../engines/contract.ts';
import { FairQueue, type Flow, type Stretch } from './fair-queue.ts';

export interface ScheduleOptions {
  /** Seconds of speech that may wait or be worked on at the same time. */
  readonly audioSecondsMax: number;
  readonly clock: Clock;
}

export interface Schedule {
  /**
   * Takes a place for a call with so many samples of speech, until it is disposed. Throws `overloaded` where the queue
   * is full, with the seconds after which there should be room. An empty queue takes a call of any length, and
   * a call without speech always has a place.
   * @param keyId whose calls share its turns.
   */
  enter(keyId: string, samples: number): Place;
  /** Seconds of speech that wait or are worked on now. */
  audioSeconds(): number;
  /** Pieces that wait for an engine now. */
  waitingPieces(engineId: string): number;
}

export interface Place extends Disposable {
  /**
   * Waits until the engine is free and it is the turn of this call; the engine is taken until the turn is disposed.
   * Rejects with the signal's reason after an abort.
   */
  turn(engine: Engine, stretch: Stretch, signal: AbortSignal): Promise<Disposable>;
  /** So many samples of the call are transcribed and make room. */
  advance(samples: number): void;
}

const RETRY_SECONDS_MAX = 600;

export function createSchedule({ audioSecondsMax, clock }: ScheduleOptions): Schedule {
  const samplesMax = audioSecondsMax * SAMPLE_RATE_HZ;
  const speed = new Speedometer(clock);
  const queues = new Map<string, FairQueue>();
  let queued = 0;

  function queueOf(engine: Engine): FairQueue {
    const queue = queues.get(engine.id) ?? new FairQueue(engine);
    queues.set(engine.id, queue);
    return queue;
  }

  return {
    enter(keyId, samples) {
      const excess = Math.min(queued + samples - samplesMax, queued);
      if (samples > 0 && excess > 0) {
        const seconds = Math.ceil(excess / speed.samplesPerSecond());
        throw new AppError('overloaded', { retryAfterSeconds: Math.min(seconds, RETRY_SECONDS_MAX) });
      }
      if (queued === 0) speed.start();
      queued += samples;
      let left = samples;
      const flow: Flow = { keyId, given: 0 };
      return {
        turn: (engine, stretch, signal) => queueOf(engine).turn(flow, stretch, signal),
        advance(done) {
          assert(done <= left, 'a call advances by no more than it entered with');
          left -= done;
          queued -= done;
          speed.add(done);
        },
        [Symbol.dispose]() {
          queued -= left;
          left = 0;
        },
      };
    },
    audioSeconds: () => queued / SAMPLE_RATE_HZ,
    waitingPieces: (engineId) => queues.get(engineId)?.waiting ?? 0,
  };
}

/** What is taken for granted for one second before anything has been measured: ten times real time. */
const EXPECTED_SAMPLES_PER_SECOND = 10 * SAMPLE_RATE_HZ;

/** After so much time the past counts half, so that a change of speed shows. */
const HALVING_MS = 60_000;

/** Measures how fast speech is transcribed while there is some. */
class Speedometer {
  readonly #clock: Clock;
  #samples = EXPECTED_SAMPLES_PER_SECOND;
  #busyMs = 1_000;
  #measuredUntil = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins a busy stretch: the idle time before it doesn't count. */
  start(): void {
    this.#measuredUntil = this.#clock.now();
  }

  add(samples: number): void {
    const now = this.#clock.now();
    this.#samples += samples;
    this.#busyMs += Math.max(now - this.#measuredUntil, 0);
    this.#measuredUntil = now;
    if (this.#busyMs > HALVING_MS) {
      this.#samples /= 2;
      this.#busyMs /= 2;
    }
  }

  samplesPerSecond(): number {
    const sinceLast = Math.max(this.#clock.now() - this.#measuredUntil, 0);
    return (this.#samples / (this.#busyMs + sinceLast)) * 1_000;
  }
}
