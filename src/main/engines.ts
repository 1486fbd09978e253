/** From the configuration of engines to the engines. */
import { availableParallelism } from 'node:os';
import type { Config, EngineConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Engine } from '../engines/contract.ts';
import { createGlmEngine } from '../engines/glm/engine.ts';
import { createMoonshineEngine } from '../engines/moonshine/engine.ts';
import { createOpenAiEngine } from '../engines/openai/engine.ts';
import { createZaiEngine } from '../engines/zai/engine.ts';

/** GLM-ASR's own prompt. */
const INSTRUCTION = 'Please transcribe this audio into text';

export interface ConfiguredEngine {
  readonly engine: Engine;
  /** Resolves once it has loaded what it loads; an engine on the network loads nothing. */
  readonly started: Promise<void>;
}

/** In the order of the configuration. Those that run here start their processes at once. */
export function createEngines({ engines }: Config, clock: Clock, log: Logger): readonly ConfiguredEngine[] {
  return Object.entries(engines).map(([id, engine]) => createEngine(id, engine, clock, log));
}

export function createEngine(id: string, config: EngineConfig, clock: Clock, log: Logger): ConfiguredEngine {
  if (config.type === 'moonshine') {
    const engine = createMoonshineEngine({ id, workers: config.workers, log });
    return { engine, started: engine.started };
  }
  if (config.type === 'glm') {
    const { path, workers, batch, hints } = config;
    const threads = config.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
    const engine = createGlmEngine({ id, path, workers, threads, batch, hints, log });
    return { engine, started: engine.started };
  }
  const network = {
    id,
    baseUrl: config.base_url,
    timeoutMs: config.timeout_seconds * 1000,
    inFlightMax: config.max_in_flight,
    clock,
    log,
  };
  const started = Promise.resolve();
  if (config.type === 'zai') return { engine: createZaiEngine({ ...network, apiKey: config.api_key }), started };
  const { mode, headers, prompt, timestamps } = config;
  const engine = createOpenAiEngine({
    ...network,
    mode,
    headers,
    prompt,
    timestamps,
    apiKey: config.api_key ?? null,
    modelName: config.model,
    languages: config.languages ?? null,
    instruction: config.instruction ?? INSTRUCTION,
  });
  return { engine, started };
}
