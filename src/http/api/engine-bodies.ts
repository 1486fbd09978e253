/** Engines as the dashboard shows them. */
import type { WatchedEngine } from '../../engines/watched-engine.ts';
import type { EngineEntry, EngineHealth } from './contract.ts';

export function engineHealth(engine: WatchedEngine): EngineHealth {
  const { ready, breaker, inFlight, concurrency } = engine.health();
  return {
    engine: engine.id,
    ready,
    breaker: breaker === 'half_open' ? 'half-open' : breaker,
    in_flight: inFlight,
    concurrency,
  };
}

export function engineEntry(engine: WatchedEngine): EngineEntry {
  const { attempts, audioSeconds, busySeconds, lastTextAt } = engine.health();
  return {
    ...engineHealth(engine),
    model: engine.model,
    attempts,
    audio_seconds: audioSeconds,
    busy_seconds: busySeconds,
    last_text_at: lastTextAt === null ? null : new Date(lastTextAt).toISOString(),
    askable_in_ms: Math.min(engine.askableInMs(), Number.MAX_SAFE_INTEGER),
  };
}
