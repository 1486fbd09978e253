/**
 * Who is next at an engine. Keys share it evenly, by the audio that each was given: after
 * Goyal, Vin and Cheng, "Start-time Fair Queueing" (1996). Within a key the call that was given least goes first, so that
 * a short call passes a long one.
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

interface Waiting {
  readonly flow: Flow;
  readonly stretch: Stretch;
  readonly begin: () => void;
}

export class FairQueue {
  /** How many turns there may be at the same time; it may change at any moment. */
  readonly #places: () => number;
  /** In order of arrival. */
  readonly #waiting: Waiting[] = [];
  /** Where each key's share ends, in samples of an even split; a key that has fallen behind the present has no row. */
  readonly #shareEnds = new Map<string, number>();
  /** Where the share of the last turn began: the present. */
  #present = 0;
  #taken = 0;

  constructor(places: () => number) {
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
        begin: () => {
          signal.removeEventListener('abort', leave);
          resolve({ [Symbol.dispose]: once(() => this.#end()) });
        },
      };
      // Many pieces may share one signal: that is no leak, as each takes its listener away when its turn comes.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      this.#fill();
    });
  }

  #end(): void {
    this.#taken -= 1;
    this.#fill();
  }

  #fill(): void {
    while (this.#waiting.length > 0 && this.#taken < this.#places()) {
      const next = this.#waiting.reduce((best, other) => (this.#isBefore(other, best) ? other : best));
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      const { flow, stretch } = next;
      const samples = stretch.end - stretch.start;
      this.#present = this.#startOf(flow.keyId);
      this.#shareEnds.set(flow.keyId, this.#present + samples);
      this.#forgetPast();
      flow.given += samples;
      this.#taken += 1;
      next.begin();
    }
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
