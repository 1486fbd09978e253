import type { Config } from '../config/load.ts';

const MODEL = 'glm/glm-asr-2512';

/** The configuration with one model and, for it, one engine: the weights in this folder. */
export function onlyGlm(config: Config, path: string): Config {
  return {
    ...config,
    engines: { local: { type: 'glm', path, workers: 1, batch: 1, hints: false } },
    models: [{ id: MODEL, engines: [{ local: 1 }], audioTokensPerMinute: 80_000, listPrice: null }],
  };
}
