/**
 * One piece of speech goes to an engine, and where that fails to the next: each attempt waits for its turn, an engine that
 * is busy or broken is left alone, and second tries are bounded for the piece and over all calls.
 */
import type { Wait } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Pcm } from '../core/pcm.ts';
import type { Engine, EngineFault, EngineOptions, EngineText } from '../engines/contract.ts';
import type { Selection } from '../engines/registry.ts';
import type { RetryBudget } from '../engines/retry-budget.ts';
import { faultOf } from '../engines/watched-engine.ts';
import type { Stretch } from './fair-queue.ts';
import type { Place } from './schedule.ts';

export interface PieceToHear {
  readonly selection: Selection;
  readonly place: Place;
  readonly pcm: Pick<Pcm, 'read'>;
  /** Where it lies, in samples; they are read once an engine is free for them. */
  readonly stretch: Stretch;
  readonly options: EngineOptions;
  /** Engines that are not to be asked, such as one whose text was not to be believed. */
  readonly except?: ReadonlySet<Engine>;
}

export interface HeardPiece {
  readonly engine: Engine;
  readonly text: EngineText;
}

export interface Dispatch {
  /**
   * Rejects with the last engine's `AppError`, with `engine_unavailable` where none can be asked soon, or with the signal's
   * reason after an abort.
   */
  hear(piece: PieceToHear, signal: AbortSignal): Promise<HeardPiece>;
}

export interface DispatchOptions {
  readonly budget: RetryBudget;
  readonly wait: Wait;
}

/** A piece is sent at most so often. */
const ATTEMPTS_MAX = 3;

/** Faults after which the same engine would only say the same again. */
const WONT: ReadonlySet<EngineFault> = new Set(['refused', 'unavailable']);

/** How long a piece waits in all for engines that are all busy or broken, and how long after a failure for the same one. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 200;

export function createDispatch({ budget, wait }: DispatchOptions): Dispatch {
  return {
    async hear(piece, signal) {
      const except = new Set(piece.except);
      let patienceMs = PATIENCE_MS;
      let failed: { readonly error: unknown; readonly engine: Engine } | null = null;
      budget.first();
      for (let attempts = 0; ;) {
        const next = nextEngine(piece.selection, except, failed?.engine);
        if (next.inMs > 0 || next.engine === null) {
          patienceMs -= next.inMs;
          if (patienceMs < 0) throw failed === null ? noneSoon(next.inMs) : failed.error;
          await wait(next.inMs, signal);
          continue;
        }
        const heard = await attempt(piece, next.engine, signal);
        if (heard === null) continue;
        if ('text' in heard) return heard;
        attempts += 1;
        failed = heard;
        if (WONT.has(faultOf(failed.error))) except.add(failed.engine);
        if (attempts === ATTEMPTS_MAX || !isWorthAnother(failed.error) || !budget.take()) throw failed.error;
        if (nextEngine(piece.selection, except, failed.engine).engine === failed.engine) {
          await wait(RETRY_MS * 2 ** attempts, signal);
        }
      }
    },
  };
}

/** Another engine than the one that has just failed, where there is one to be asked; else that one again. */
function nextEngine(selection: Selection, except: ReadonlySet<Engine>, justFailed: Engine | undefined) {
  if (justFailed !== undefined) {
    const other = selection.next(new Set([...except, justFailed]));
    if (other.engine !== null) return other;
  }
  return selection.next(except);
}

/** Null where the engine could no longer be asked when its turn had come. */
async function attempt(
  { selection, place, pcm, stretch, options }: PieceToHear,
  engine: Engine,
  signal: AbortSignal,
): Promise<HeardPiece | { readonly error: unknown; readonly engine: Engine } | null> {
  using _turn = await place.turn(engine, stretch, signal);
  if (!selection.mayAsk(engine)) return null;
  const samples = await pcm.read(stretch.start, stretch.end);
  signal.throwIfAborted();
  try {
    return { engine, text: await engine.transcribe(samples, options, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { error, engine };
  }
}

function isWorthAnother(error: unknown): boolean {
  return error instanceof AppError && error.code !== 'shutting_down';
}

function noneSoon(inMs: number): AppError {
  return new AppError('engine_unavailable', {
    detail: 'Every engine of the model is broken or asked to be left alone.',
    ...(Number.isFinite(inMs) ? { retryAfterSeconds: Math.ceil(inMs / 1000) } : {}),
  });
}
