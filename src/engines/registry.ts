/** Which engines answer for which model, and which of them is asked next. */
import { AppError } from '../core/errors.ts';
import type { Engine } from './contract.ts';
import type { WatchedEngine } from './watched-engine.ts';

export interface ModelConfig {
  /** What a caller names, such as `glm/glm-asr-2512`. */
  readonly id: string;
  /**
   * Engines by name in the order of preference, those that are not configured passed over. The engines of one entry share
   * the work by their weights.
   */
  readonly engines: readonly Readonly<Record<string, number>>[];
  readonly audioTokensPerMinute: number;
}

/** The engines that may answer a call for a model. */
export interface Selection {
  readonly model: ModelConfig;
  /** In the model's order; never empty. */
  readonly engines: readonly Engine[];
  /** Whether they only stand in for the model; the caller is told by a warning. */
  readonly standIn: boolean;
  /** The longest piece in seconds that each of them takes, so that any can take over from any. */
  readonly pieceSecondsMax: number;
  /** The engine to ask next, leaving out some; or, where none may be asked now, how long until one may. */
  next(except: ReadonlySet<Engine>): NextEngine;
  /** Whether this one may be asked now. */
  mayAsk(engine: Engine): boolean;
}

export type NextEngine =
  | { readonly engine: Engine; readonly inMs: 0 }
  /** Infinity where none will be. */
  | { readonly engine: null; readonly inMs: number };

export interface Registry {
  /** Throws `model_not_found`, or `engine_unavailable` where only a stand-in could answer and none is allowed. */
  select(modelId: string): Selection;
  list(): readonly ModelConfig[];
  /** The engines that may answer for a model, in its order; none where nothing may. */
  enginesOf(modelId: string): readonly Pick<Engine, 'id' | 'describe'>[];
  /** Whether every model that has an engine has one that would take work now. */
  ready(): boolean;
}

export interface RegistryOptions {
  readonly models: readonly ModelConfig[];
  readonly engines: readonly WatchedEngine[];
  /** Whether an engine may answer for a model that it is not, where the model has no engine of its own. */
  readonly allowStandIn: boolean;
}

export function createRegistry({ models, engines, allowStandIn }: RegistryOptions): Registry {
  const selections = new Map(models.map((model) => [model.id, selectionOf(model, engines, allowStandIn)]));
  return {
    select(modelId) {
      const found = selections.get(modelId);
      if (found === undefined) throw new AppError('model_not_found', { param: 'model' });
      if (found === null) {
        throw new AppError('engine_unavailable', {
          message:
            'No engine for this model is configured here. The operator can configure one, or allow the stand-in.',
          detail: `No engine that is ${modelId} is configured.`,
        });
      }
      return found;
    },
    list: () => models,
    enginesOf: (modelId) => selections.get(modelId)?.engines ?? [],
    ready: () =>
      [...selections.values()].every((found) => found === null || found.engines.some((engine) => engine.ready())),
  };
}

interface Member {
  readonly engine: WatchedEngine;
  readonly weight: number;
  readonly standIn: boolean;
  /** What it is owed of the work that its group was given so far. */
  credit: number;
}

/** A stand-in only where no other engine of the model is configured; null where nothing may answer. */
function selectionOf(model: ModelConfig, engines: readonly WatchedEngine[], allowStandIn: boolean): Selection | null {
  const groups = model.engines.map((weights) => membersOf(model, weights, engines));
  const own = groups.map((group) => group.filter(({ standIn }) => !standIn)).filter((group) => group.length > 0);
  const chosen = own.length > 0 ? own : allowStandIn ? groups.filter((group) => group.length > 0) : [];
  if (chosen.length === 0) return null;
  const members = chosen.flat();
  return {
    model,
    engines: members.map(({ engine }) => engine),
    standIn: own.length === 0,
    pieceSecondsMax: Math.min(...members.map(({ engine }) => engine.capabilities.pieceSecondsMax)),
    next(except) {
      for (const group of chosen) {
        const askable = group.filter(({ engine }) => !except.has(engine) && engine.askableInMs() === 0);
        if (askable.length > 0) return { engine: inTurn(askable), inMs: 0 };
      }
      const waits = members.filter(({ engine }) => !except.has(engine)).map(({ engine }) => engine.askableInMs());
      return { engine: null, inMs: Math.min(Infinity, ...waits) };
    },
    mayAsk: (engine) => members.some((member) => member.engine === engine && member.engine.askableInMs() === 0),
  };
}

function membersOf(
  model: ModelConfig,
  weights: Readonly<Record<string, number>>,
  engines: readonly WatchedEngine[],
): Member[] {
  return Object.entries(weights).flatMap(([id, weight]) => {
    const engine = engines.find((candidate) => candidate.id === id);
    if (engine === undefined) return [];
    return [{ engine, weight, standIn: engine.model !== null && engine.model !== model.id, credit: 0 }];
  });
}

/** Smooth weighted turns: each is owed its weight at every choice, and the one that is owed most pays for all. */
function inTurn(members: readonly Member[]): WatchedEngine {
  for (const member of members) member.credit += member.weight;
  const chosen = members.reduce((most, member) => (member.credit > most.credit ? member : most));
  chosen.credit -= members.reduce((sum, { weight }) => sum + weight, 0);
  return chosen.engine;
}
