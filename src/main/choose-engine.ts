/** The configuration with one engine alone, for commands that measure or try that one. */
import { CommandError } from '../cli/command.ts';
import type { EngineChoice } from '../cli/ears.ts';
import type { Config } from '../config/load.ts';

const MODEL_DEFAULT = 'glm/glm-asr-2512';

export interface ChosenConfig {
  readonly config: Config;
  readonly model: string;
}

/**
 * Without an engine's name the model's own order decides, as for a caller. With one, only that engine is started, and it may
 * answer for the model whatever else is configured: it was asked for by name. Throws a `CommandError`.
 */
export function chooseEngine(config: Config, { engine, model }: EngineChoice): ChosenConfig {
  if (engine === null) return { config, model: model ?? MODEL_DEFAULT };
  const settings = config.engines[engine];
  if (settings === undefined) {
    throw new CommandError(`No engine "${engine}" is configured. There is: ${Object.keys(config.engines).join(', ')}.`);
  }
  const candidates = config.models.filter(({ id, engines }) =>
    model === null ? engines.some((weights) => engine in weights) : id === model,
  );
  const [chosen] = candidates;
  if (chosen === undefined) {
    throw new CommandError(
      model === null ? `No model has the engine "${engine}"; name one with --model.` : `There is no model "${model}".`,
    );
  }
  return {
    config: {
      ...config,
      engines: { [engine]: settings },
      models: [{ ...chosen, engines: [{ [engine]: 1 }] }],
      allowStandIn: true,
    },
    model: chosen.id,
  };
}
