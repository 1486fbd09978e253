/**
 * Who is next at an engine. Keys share it evenly, by the audio that each was given: the key whose share with its next piece
 * would end first goes first (Golestani, "A self-clocked fair queueing scheme", 1994), so that a short piece passes long
 * ones. Within a key the call that was given least goes first. Where an engine has headroom, a short piece of a call that
 * has no turn need not wait for the end of others'.
 */
import { setMaxListeners } from 'node:events';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';

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
  /** Turns beyond those for short pieces, one for each key, of calls that have none. */
  readonly headroom?: number;
}

/** A longer piece would hold up those that it shares with for as long as it would have to wait itself. */
const HEADROOM_SAMPLES_MAX = 10 * SAMPLE_RATE_HZ;

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
  /** Where the share of those who wait begins that have had least: nobody's begins before. */
  #present = 0;
  readonly #taken = { concurrency: 0, headroom: 0 };
  /** How many turns each call has. */
  readonly #turns = new Map<Flow, number>();
  /** Keys that have a turn in the headroom. */
  readonly #overtaking = new Set<string>();

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
    while (this.#taken.concurrency < concurrency) {
      const next = this.#next(this.#waiting);
      if (next === undefined) return;
      this.#begin(next, 'concurrency');
    }
    while (this.#taken.headroom < headroom) {
      const next = this.#next(this.#waiting.filter((waiting) => this.#mayOvertake(waiting)));
      if (next === undefined) return;
      this.#begin(next, 'headroom');
    }
  }

  #next(candidates: readonly Waiting[]): Waiting | undefined {
    const heads = new Map<string, Waiting>();
    for (const waiting of candidates) {
      const head = heads.get(waiting.flow.keyId);
      if (head === undefined || isBeforeInKey(waiting, head)) heads.set(waiting.flow.keyId, waiting);
    }
    const shareEnd = ({ flow, stretch }: Waiting): number => this.#startOf(flow.keyId) + lengthOf(stretch);
    return [...heads.values()].toSorted((one, other) => shareEnd(one) - shareEnd(other))[0];
  }

  #mayOvertake({ flow, stretch }: Waiting): boolean {
    return !this.#turns.has(flow) && !this.#overtaking.has(flow.keyId) && lengthOf(stretch) <= HEADROOM_SAMPLES_MAX;
  }

  #begin(next: Waiting, kind: keyof Places): void {
    const { flow, stretch } = next;
    const start = this.#startOf(flow.keyId);
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#shareEnds.set(flow.keyId, start + lengthOf(stretch));
    this.#present = this.#waiting.reduce((least, waiting) => Math.min(least, this.#startOf(waiting.flow.keyId)), start);
    this.#forgetPast();
    flow.given += lengthOf(stretch);
    this.#taken[kind] += 1;
    this.#turns.set(flow, (this.#turns.get(flow) ?? 0) + 1);
    if (kind === 'headroom') this.#overtaking.add(flow.keyId);
    next.begin(() => {
      this.#taken[kind] -= 1;
      const turns = (this.#turns.get(flow) ?? 0) - 1;
      if (turns > 0) this.#turns.set(flow, turns);
      else this.#turns.delete(flow);
      if (kind === 'headroom') this.#overtaking.delete(flow.keyId);
      this.#fill();
    });
  }

  /** A key that has waited for nothing has no claim on the past. */
  #startOf(keyId: string): number {
    return Math.max(this.#present, this.#shareEnds.get(keyId) ?? 0);
  }

  #forgetPast(): void {
    for (const [keyId, end] of this.#shareEnds) if (end <= this.#present) this.#shareEnds.delete(keyId);
  }
}

function isBeforeInKey(one: Waiting, other: Waiting): boolean {
  return one.flow === other.flow ? one.stretch.start < other.stretch.start : one.flow.given < other.flow.given;
}

function lengthOf({ start, end }: Stretch): number {
  return end - start;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
