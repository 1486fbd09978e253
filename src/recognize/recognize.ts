/** Decoded audio and its pieces become one transcript: pieces run on an engine as far as it allows, and join in order. */
import type { Pcm, Piece } from '../core/pcm.ts';
import type { Transcript } from '../core/transcript.ts';
import type { EngineText, Hints } from '../engines/contract.ts';
import type { Registry, Selection } from '../engines/registry.ts';
import { estimateTokens } from './estimate-tokens.ts';
import { joinTexts } from './join.ts';
import type { Place, Schedule } from './schedule.ts';
import { warningOfDamage, warningsFor } from './warnings.ts';

export type { Hints } from '../engines/contract.ts';

export interface Recognition {
  readonly selection: Selection;
  readonly pcm: Pcm;
  /** In order of time. */
  readonly pieces: readonly Piece[];
  readonly hints: Hints;
  /** The most tokens for the text of the whole call. */
  readonly outputTokensMax: number;
  readonly place: Place;
}

export interface Recognizer {
  /** The engine for a model. Throws `model_not_found` or `engine_unavailable`. */
  select(modelId: string): Selection;
  /** A place in the queue for pieces of one call, held until it is disposed. Throws `overloaded`. */
  enter(pieces: readonly Piece[]): Place;
  /**
   * The text of all pieces. Rejects with the signal's reason after an abort, else with the first engine's `AppError`;
   * either way every piece has stopped by then.
   */
  recognize(recognition: Recognition, signal: AbortSignal): Promise<Transcript>;
}

export interface RecognizerOptions {
  readonly registry: Registry;
  readonly schedule: Schedule;
}

export function createRecognizer({ registry, schedule }: RecognizerOptions): Recognizer {
  return {
    select: (modelId) => registry.select(modelId),
    enter: (pieces) => schedule.enter(samplesOf(pieces)),
    async recognize(recognition, signal) {
      const { selection, hints, pcm } = recognition;
      const engine = selection.engine;
      const texts = await transcribePieces(recognition, signal);
      const text = joinTexts(texts.map((piece) => piece.text));
      const counts = texts.map(({ outputTokens }) => outputTokens).filter((count) => count !== undefined);
      const estimated = counts.length < texts.length;
      return {
        text,
        engine: engine.id,
        engines: [engine.id],
        outputTokens: estimated ? estimateTokens(text) : counts.reduce((sum, count) => sum + count, 0),
        estimated,
        warnings: [
          ...warningsFor(selection, hints),
          ...(pcm.damage === undefined || pcm.damage === null ? [] : [warningOfDamage(pcm.damage)]),
        ],
      };
    },
  };
}

/** Runs pieces in order of time, so many at once as the engine works on; the first failure stops the others. */
async function transcribePieces(recognition: Recognition, signal: AbortSignal): Promise<EngineText[]> {
  const { selection, pcm, pieces, hints, outputTokensMax, place } = recognition;
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const tokensPerSample = outputTokensMax / samplesOf(pieces);
  const texts: EngineText[] = [];
  const queue = pieces.entries();

  /** One of several loops that share the queue: each takes the next piece when it is done with one. */
  async function work(): Promise<void> {
    for (const [index, piece] of queue) {
      stopped.throwIfAborted();
      const samples = await pcm.read(piece.start, piece.end);
      // Each piece may use its share by length, rounded down: so the whole stays within what the hold was made for.
      const options = { ...hints, outputTokensMax: Math.floor(samples.length * tokensPerSample) };
      texts[index] = await selection.engine.transcribe(samples, options, stopped);
      place.advance(samples.length);
    }
  }

  const workers = Array.from({ length: Math.min(selection.engine.concurrency, pieces.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
  return texts;
}

function samplesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { start, end }) => sum + end - start, 0);
}
