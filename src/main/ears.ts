/** From a source of audio to text: everything that needs no database. */
import { createDecodePool, createDecoder } from '../audio/decode/decode.ts';
import { createGuardedFetch } from '../audio/fetch/guarded-fetch.ts';
import { createAudioOpener } from '../audio/open.ts';
import type { Config } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { createMoonshineEngine } from '../engines/moonshine/engine.ts';
import { createRegistry } from '../engines/registry.ts';
import { createRecognizer } from '../recognize/recognize.ts';
import { createSchedule } from '../recognize/schedule.ts';

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
  const engines = Object.entries(config.engines).map(([id, { workers }]) =>
    createMoonshineEngine({ id, workers, log }),
  );
  const registry = createRegistry({ models: config.models, engines, allowStandIn: config.allowStandIn });
  const schedule = createSchedule({ audioSecondsMax: limits.queue_audio_seconds, clock });
  const started = Promise.all([pool.started, ...engines.map((engine) => engine.started)]);
  // A command may end before the models are loaded; whoever awaits `started` still hears of a failure.
  started.catch(() => {});
  return {
    opener: createAudioOpener({ fetch, temporaryDirectory, uploadLimits: { bytesMax, totalMs } }),
    decoder: createDecoder({ pool, temporaryDirectory, audioSecondsMax: limits.audio_seconds, log }),
    recognizer: createRecognizer({ registry, schedule }),
    registry,
    schedule,
    engines,
    started,
    async [Symbol.asyncDispose]() {
      await Promise.all([pool[Symbol.asyncDispose](), ...engines.map((engine) => engine.close())]);
    },
  };
}
