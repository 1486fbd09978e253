/** Decoded audio and its pieces become one transcript: pieces run on engines as far as those allow, and join in order. */
import type { Pcm, Piece } from '../core/pcm.ts';
import type { Transcript } from '../core/transcript.ts';
import type { Engine, Hints } from '../engines/contract.ts';
import type { Registry, Selection } from '../engines/registry.ts';
import type { Dispatch, HeardPiece } from './dispatch.ts';
import { estimateTokens } from './estimate-tokens.ts';
import { hear, warningOfSuspicion, type Heard } from './hear.ts';
import { createJoiner, sharesOf } from './join.ts';
import type { Place, Schedule } from './schedule.ts';
import { segmentsOf } from './segments.ts';
import { TIMESTAMPS_FROM_SPEECH_REGIONS, warningOfDamage, warningsFor } from './warnings.ts';

export type { Hints } from '../engines/contract.ts';

export interface Recognition {
  readonly selection: Selection;
  readonly pcm: Pcm;
  /** In order of time. */
  readonly pieces: readonly Piece[];
  readonly hints: Hints;
  /** The caller's own user; null where it named none. */
  readonly userId: string | null;
  /** Whether the transcript is to say when what is said. */
  readonly timestamps: boolean;
  /** The most tokens for the text of the whole call. */
  readonly outputTokensMax: number;
  readonly place: Place;
  /** Told of the text as it is settled, and of the engine that it is from; put together it is the whole. */
  readonly onText?: (delta: string, engine: string) => void;
  /** Told of the length of each piece that has its text. */
  readonly onHeard?: (samples: number) => void;
}

export interface Recognizer {
  /** The engines for a model. Throws `model_not_found` or `engine_unavailable`. */
  select(modelId: string): Selection;
  /** A place in the queue for pieces of one call, held until it is disposed. Throws `overloaded`. */
  enter(keyId: string, pieces: readonly Piece[]): Place;
  /**
   * The text of all pieces. Rejects with the signal's reason after an abort, else with an engine's `AppError`; either way
   * every piece has stopped by then.
   */
  recognize(recognition: Recognition, signal: AbortSignal): Promise<Transcript>;
}

export interface RecognizerOptions {
  readonly registry: Registry;
  readonly schedule: Schedule;
  readonly dispatch: Dispatch;
}

/** Pieces of one call that wait or are worked on at the same time; the schedule decides how many are worked on. */
const PIECES_UNDER_WAY_MAX = 64;

export function createRecognizer({ registry, schedule, dispatch }: RecognizerOptions): Recognizer {
  return {
    select: (modelId) => registry.select(modelId),
    enter: (keyId, pieces) => schedule.enter(keyId, samplesOf(pieces)),
    async recognize(recognition, signal) {
      const heard = await hearPieces(recognition, dispatch, signal);
      return transcriptOf(recognition, heard);
    },
  };
}

function transcriptOf({ selection, hints, pcm, timestamps }: Recognition, heard: readonly Heard[]): Transcript {
  const shares = sharesOf(heard.map(({ piece, text }) => ({ text: text.text, forcedEnd: piece.forcedEnd })));
  const text = shares.join('');
  const counts = heard.map((piece) => piece.text.outputTokens).filter((count) => count !== undefined);
  const estimated = counts.length < heard.length;
  const engines = enginesOf(selection, heard);
  const timing = timestamps ? segmentsOf(heard, shares) : null;
  return {
    text,
    ...(timing === null ? {} : { segments: timing.segments }),
    engine: mostHeard(engines, heard).id,
    engines: engines.map(({ id }) => id),
    outputTokens: estimated ? estimateTokens(text) : counts.reduce((sum, count) => sum + count, 0),
    estimated,
    warnings: [
      ...warningsFor(selection, engines, hints),
      ...(pcm.damage === undefined || pcm.damage === null ? [] : [warningOfDamage(pcm.damage)]),
      ...(timing?.fromSpeechRegions === true ? [TIMESTAMPS_FROM_SPEECH_REGIONS] : []),
      ...heard.map(warningOfSuspicion).filter((warning) => warning !== null),
    ],
  };
}

/** Pieces start in order of time; the first failure stops the others. */
async function hearPieces(recognition: Recognition, dispatch: Dispatch, signal: AbortSignal): Promise<Heard[]> {
  const { selection, pcm, pieces, hints, userId, outputTokensMax, place } = recognition;
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const tokensPerSample = outputTokensMax / samplesOf(pieces);
  const heard: (readonly Heard[])[] = [];
  const queue = pieces.entries();
  const teller = createTeller(recognition.onText);

  async function listen(stretch: Piece, doubted: Engine | null): Promise<HeardPiece> {
    // Each piece may use its share by length, rounded down: so the whole stays within what the hold was made for.
    const share = { outputTokensMax: Math.floor((stretch.end - stretch.start) * tokensPerSample) };
    const options = { ...hints, ...share, ...(userId === null ? {} : { userId }) };
    const others = new Set(doubted === null ? [] : [doubted]);
    const except = selection.next(others).engine === null ? new Set<Engine>() : others;
    return await dispatch.hear({ selection, place, pcm, stretch, options, except }, stopped);
  }

  /** One of several loops that share the queue: each takes the next piece when it is done with one. */
  async function work(): Promise<void> {
    for (const [index, piece] of queue) {
      stopped.throwIfAborted();
      heard[index] = await hear(piece, { pcm, listen }, stopped);
      teller.tell(heard);
      place.advance(piece.end - piece.start);
      recognition.onHeard?.(piece.end - piece.start);
    }
  }

  const workers = Array.from({ length: Math.min(PIECES_UNDER_WAY_MAX, pieces.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
  teller.finish();
  return heard.flat();
}

/** Tells the text of pieces in their order, each as soon as all before it are there. */
function createTeller(onText: Recognition['onText']) {
  const joiner = createJoiner();
  let told = 0;
  let engine = '';
  const tell = (text: string): void => {
    if (text !== '') onText?.(text, engine);
  };
  return {
    tell(heard: readonly (readonly Heard[])[]): void {
      for (let next = heard[told]; next !== undefined; next = heard[told]) {
        told += 1;
        for (const { piece, text, engine: speaker } of next) {
          const settled = joiner.push({ text: text.text, forcedEnd: piece.forcedEnd });
          engine ||= speaker.id;
          tell(settled.ending + settled.text);
          engine = speaker.id;
        }
      }
    },
    finish: () => tell(joiner.finish()),
  };
}

/** All that gave some of the text, in the model's order; where there was nothing to hear, the one that would have. */
function enginesOf(selection: Selection, heard: readonly Heard[]): readonly Engine[] {
  const used = new Set(heard.map(({ engine }) => engine));
  return used.size === 0 ? selection.engines.slice(0, 1) : selection.engines.filter((engine) => used.has(engine));
}

/** The engine that gave most of the text. */
function mostHeard(engines: readonly Engine[], heard: readonly Heard[]): Engine {
  const lengthOf = (engine: Engine): number =>
    heard.reduce((sum, piece) => sum + (piece.engine === engine ? piece.text.text.length : 0), 0);
  return engines.reduce((most, engine) => (lengthOf(engine) > lengthOf(most) ? engine : most));
}

function samplesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { start, end }) => sum + end - start, 0);
}
