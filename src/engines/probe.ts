/**
 * Asks engines with a second of real audio how they are: at the start, after a while without work, and where a breaker lets
 * one trial through, so that no caller's audio has to be that trial. Any well-formed reply passes, an empty text too.
 */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { repeat } from '../core/repeat.ts';
import type { WatchedEngine } from './watched-engine.ts';

export interface ProbeOptions {
  readonly engines: readonly WatchedEngine[];
  /** One second of speech, mono 16 kHz in [-1, 1]. */
  readonly second: Float32Array;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often to look which engine needs asking, and how long a healthy one may be idle before it does. */
const LOOK_MS = 1_000;
const IDLE_MS_MAX = 300_000;
const PROBE_MS_MAX = 30_000;
const OUTPUT_TOKENS_MAX = 64;

/** Looks every second until it is disposed. */
export function keepProbing(options: ProbeOptions): AsyncDisposable {
  const stop = new AbortController();
  const prober = createProber(options);
  const looking = repeat(LOOK_MS, () => prober.look(stop.signal), options.log, 'engine-probe-failed');
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looking[Symbol.asyncDispose]();
    },
  };
}

export interface Prober {
  /** Asks every engine that is due; resolves when all have answered or failed. */
  look(signal: AbortSignal): Promise<void>;
}

export function createProber({ engines, second, clock, log }: ProbeOptions): Prober {
  const askedAt = new Map<string, number>();

  function isDue(engine: WatchedEngine): boolean {
    const { breaker, lastTextAt, inFlight } = engine.health();
    if (engine.askableInMs() > 0) return false;
    if (breaker === 'half_open') return true;
    const lastSeen = Math.max(lastTextAt ?? 0, askedAt.get(engine.id) ?? 0);
    return inFlight === 0 && clock.now() - lastSeen >= IDLE_MS_MAX;
  }

  async function ask(engine: WatchedEngine, signal: AbortSignal): Promise<void> {
    askedAt.set(engine.id, clock.now());
    const limited = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS_MAX)]);
    await engine.transcribe(second, { outputTokensMax: OUTPUT_TOKENS_MAX }, limited).then(
      () => log.debug({ engine: engine.id }, 'engine-probe-passed'),
      // The engine's own memory has counted and logged it.
      () => {},
    );
  }

  return {
    async look(signal) {
      await Promise.all(engines.filter(isDue).map((engine) => ask(engine, signal)));
    },
  };
}
