/**
 * Who is next at an engine. Keys share it evenly, by the audio that each was given: after
 * Goyal, Vin and Cheng, "Start-time Fair Queueing" (1996). Within a key the call that was given least goes first, so that
 * a short call passes a long one. Where an engine has headroom, a key without a turn need not wait for the end of others'.
 */

import { setMaxListeners } from 'node:events';

/** One call, as the queue sees it. */
export interface Flow {
  readonly keyId: string;
  /** Samples that the engines were given of it so far. */
  given: number;
}

/** What waits for a turn: a stretch of the call's audio, in samples. Earlier stretches of a call go first. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** What turns there are; it may change at any moment. */
export interface Places {
  /** Turns at the same time. */
  readonly concurrency: number;
  /** Turns beyond those, for keys that have none. */
  readonly headroom?: number;
}

interface Waiting {
  readonly flow: Flow;
  readonly stretch: Stretch;
  readonly begin: (end: () => void) => void;
}

export class FairQueue {
  readonly #places: Places;
  /** In order of arrival. */
  readonly #waiting: Waiting[] = [];
  /** Where each key's share ends, in samples of an even split; a key that has fallen behind the present has no row. */
  readonly #shareEnds = new Map<string, number>();
  /** Where the share of the last turn within the concurrency began: the present. */
  #present = 0;
  /** Turns that count against the concurrency, and those that the headroom gives. */
  readonly #taken = { concurrency: 0, headroom: 0 };
  /** How many turns each key has. */
  readonly #turns = new Map<string, number>();

  constructor(places: Places) {
    this.#places = places;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  turn(flow: Flow, stretch: Stretch, signal: AbortSignal): Promise<Disposable> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        flow,
        stretch,
        begin: (end) => {
          signal.removeEventListener('abort', leave);
          resolve({ [Symbol.dispose]: once(end) });
        },
      };
      // Many pieces may share one signal: that is no leak, as each takes its listener away when its turn comes.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      this.#fill();
    });
  }

  #fill(): void {
    const { concurrency, headroom = 0 } = this.#places;
    while (this.#waiting.length > 0 && this.#taken.concurrency < concurrency) this.#begin(this.#waiting, 'concurrency');
    while (this.#taken.headroom < headroom) {
      const newcomers = this.#waiting.filter(({ flow }) => !this.#turns.has(flow.keyId));
      if (newcomers.length === 0) return;
      this.#begin(newcomers, 'headroom');
    }
  }

  /** Gives one of those who wait, of whom there is at least one, a turn of this kind. */
  #begin(candidates: readonly Waiting[], kind: keyof Places): void {
    const next = candidates.reduce((best, other) => (this.#isBefore(other, best) ? other : best));
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    const { flow, stretch } = next;
    const samples = stretch.end - stretch.start;
    const start = this.#startOf(flow.keyId);
    this.#shareEnds.set(flow.keyId, start + samples);
    // Headroom is given to keys whose share may lie ahead: those that wait with an earlier one keep their claim.
    if (kind === 'concurrency') this.#present = start;
    this.#forgetPast();
    flow.given += samples;
    this.#count(flow.keyId, kind, 1);
    next.begin(() => {
      this.#count(flow.keyId, kind, -1);
      this.#fill();
    });
  }

  #count(keyId: string, kind: keyof Places, change: 1 | -1): void {
    this.#taken[kind] += change;
    const turns = (this.#turns.get(keyId) ?? 0) + change;
    if (turns === 0) this.#turns.delete(keyId);
    else this.#turns.set(keyId, turns);
  }

  #isBefore(one: Waiting, other: Waiting): boolean {
    const difference = this.#startOf(one.flow.keyId) - this.#startOf(other.flow.keyId);
    if (difference !== 0) return difference < 0;
    if (one.flow === other.flow) return one.stretch.start < other.stretch.start;
    return one.flow.keyId === other.flow.keyId && one.flow.given < other.flow.given;
  }

  /** A key that has waited for nothing has no claim on the past. */
  #startOf(keyId: string): number {
    return Math.max(this.#present, this.#shareEnds.get(keyId) ?? 0);
  }

  #forgetPast(): void {
    for (const [keyId, end] of this.#shareEnds) if (end <= this.#present) this.#shareEnds.delete(keyId);
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
