/** From a source of audio to text: everything that needs no database. */
import { createDecodePool, createDecoder } from '../audio/decode/decode.ts';
import { createGuardedFetch } from '../audio/fetch/guarded-fetch.ts';
import { createAudioOpener } from '../audio/open.ts';
import type { Config } from '../config/load.ts';
import { systemWait, type Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { createRegistry } from '../engines/registry.ts';
import { createRetryBudget } from '../engines/retry-budget.ts';
import { watchEngine } from '../engines/watched-engine.ts';
import { createDispatch } from '../recognize/dispatch.ts';
import { createRecognizer } from '../recognize/recognize.ts';
import { createSchedule } from '../recognize/schedule.ts';
import { createEngines } from './engines.ts';

export type Ears = ReturnType<typeof openEars>;

/**
 * Starts the decoder and engine processes; `started` resolves once every model is loaded.
 * @param temporaryDirectory where audio lies while a call works on it.
 */
export function openEars(config: Config, temporaryDirectory: string, clock: Clock, log: Logger) {
  const { limits } = config;
  const bytesMax = limits.download_bytes;
  const totalMs = limits.download_seconds * 1000;
  const fetch = createGuardedFetch({ allow: config.fetchAllow, limits: { bodyBytesMax: bytesMax, totalMs }, log });
  const pool = createDecodePool({ size: limits.decoders, log });
  const configured = createEngines(config, clock, log);
  const engines = configured.map(({ engine }) => watchEngine(engine, clock, log));
  const registry = createRegistry({ models: config.models, engines, allowStandIn: config.allowStandIn });
  const schedule = createSchedule({ audioSecondsMax: limits.queue_audio_seconds, clock });
  const dispatch = createDispatch({ budget: createRetryBudget(clock), wait: systemWait });
  const started = Promise.all([pool.started, ...configured.map(({ started: loaded }) => loaded)]);
  // A command may end before the models are loaded; whoever awaits `started` still hears of a failure.
  started.catch(() => {});
  return {
    opener: createAudioOpener({ fetch, temporaryDirectory, uploadLimits: { bytesMax, totalMs } }),
    decoder: createDecoder({ pool, temporaryDirectory, audioSecondsMax: limits.audio_seconds, log }),
    recognizer: createRecognizer({ registry, schedule, dispatch }),
    registry,
    schedule,
    engines,
    started,
    async [Symbol.asyncDispose]() {
      await Promise.all([pool[Symbol.asyncDispose](), ...engines.map((engine) => engine.close())]);
    },
  };
}
