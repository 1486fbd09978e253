/** Which engine answers for which model. */
import { AppError } from '../core/errors.ts';
import type { Engine } from './contract.ts';

export interface ModelConfig {
  /** What a caller names, such as `glm/glm-asr-2512`. */
  readonly id: string;
  /** Names of engines in the order of preference; those that are not configured are passed over. */
  readonly engines: readonly string[];
  readonly audioTokensPerMinute: number;
}

export interface Selection {
  readonly model: ModelConfig;
  readonly engine: Engine;
  /** Whether the engine only stands in for the model; the caller is told by a warning. */
  readonly standIn: boolean;
}

export interface Registry {
  /** Throws `model_not_found`, or `engine_unavailable` where only a stand-in could answer and none is allowed. */
  select(modelId: string): Selection;
  list(): readonly ModelConfig[];
  /** Whether every model that has an engine has one that would take work now. */
  ready(): boolean;
}

export interface RegistryOptions {
  readonly models: readonly ModelConfig[];
  readonly engines: readonly Engine[];
  /** Whether an engine may answer for a model that it is not, where the model has no engine of its own. */
  readonly allowStandIn: boolean;
}

export function createRegistry({ models, engines, allowStandIn }: RegistryOptions): Registry {
  const candidates = new Map(models.map((model) => [model.id, selections(model, engines, allowStandIn)]));
  return {
    select(modelId) {
      const found = candidates.get(modelId);
      if (found === undefined) throw new AppError('model_not_found', { param: 'model' });
      const [first] = found;
      if (first === undefined) {
        throw new AppError('engine_unavailable', {
          message:
            'No engine for this model is configured here. The operator can configure one, or allow the stand-in.',
          detail: `No engine that is ${modelId} is configured.`,
        });
      }
      return first;
    },
    list: () => models,
    ready: () =>
      [...candidates.values()].every((found) => found.length === 0 || found.some(({ engine }) => engine.ready())),
  };
}

/** The engines that may answer for a model, in its order: a stand-in only where no other is configured. */
function selections(model: ModelConfig, engines: readonly Engine[], allowStandIn: boolean): readonly Selection[] {
  const configured = model.engines
    .map((id) => engines.find((engine) => engine.id === id))
    .filter((engine) => engine !== undefined)
    .map((engine) => ({ model, engine, standIn: engine.model !== null && engine.model !== model.id }));
  const own = configured.filter(({ standIn }) => !standIn);
  if (own.length > 0) return own;
  return allowStandIn ? configured : [];
}
