/** One piece becomes text that has been looked at: what can hardly be right is heard once more with other cuts. */
import { AppError } from '../core/errors.ts';
import { SAMPLE_RATE_HZ, type Pcm, type Piece } from '../core/pcm.ts';
import type { Warning } from '../core/transcript.ts';
import type { Engine } from '../engines/contract.ts';
import type { HeardPiece } from './dispatch.ts';
import { lettersOf } from './letters.ts';
import { recut } from './recut.ts';
import { LETTERS_PER_SECOND_USUAL, speechSecondsOf, suspicionOf, type Suspicion } from './verify.ts';

/** What an engine made of a piece, or of a part of one. */
export interface Heard extends HeardPiece {
  readonly piece: Piece;
  /** Why its text can hardly be right, where that is so still. */
  readonly suspicion: Suspicion | null;
}

export interface Ears {
  readonly pcm: Pick<Pcm, 'read'>;
  /** Has an engine hear a piece; not the one whose text is doubted, where another can be asked. */
  listen(piece: Piece, doubted: Engine | null): Promise<HeardPiece>;
}

/** The piece, or the parts in which it was heard better, in order. */
export async function hear(piece: Piece, ears: Ears, signal: AbortSignal): Promise<readonly Heard[]> {
  const first = [await hearOnce(piece, ears, null)];
  if (first.every(isBelieved)) return first;
  const second: Heard[] = [];
  try {
    for (const part of recut(piece, await ears.pcm.read(piece.start, piece.end))) {
      second.push(await hearOnce(part, ears, first[0]?.engine ?? null));
    }
  } catch (error) {
    // There is a text, though a doubtful one: that no engine had another to give does not fail the call.
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return first;
  }
  return isBetter(second, first) ? second : first;
}

async function hearOnce(piece: Piece, ears: Ears, doubted: Engine | null): Promise<Heard> {
  const heard = await ears.listen(piece, doubted);
  return { ...heard, piece, suspicion: suspicionOf(heard.text, piece) };
}

function isBelieved({ suspicion }: Heard): boolean {
  return suspicion === null;
}

/** More of the speech has a text that is believed; or as much, and the amount of text is nearer to what is usual. */
function isBetter(second: readonly Heard[], first: readonly Heard[]): boolean {
  const believed = [second, first].map((heard) => speechSecondsOfAll(heard.filter(isBelieved)));
  const [ofSecond = 0, ofFirst = 0] = believed;
  return ofSecond === ofFirst ? strangeness(second) < strangeness(first) : ofSecond > ofFirst;
}

/** How far the amount of text is from what so much speech usually has, as a factor in either direction. */
function strangeness(heard: readonly Heard[]): number {
  if (heard.length === 0) return Infinity;
  const letters = heard.reduce((sum, { text }) => sum + lettersOf(text.text), 0);
  return Math.abs(Math.log((letters + 1) / (speechSecondsOfAll(heard) * LETTERS_PER_SECOND_USUAL + 1)));
}

function speechSecondsOfAll(heard: readonly Heard[]): number {
  return heard.reduce((sum, { piece }) => sum + speechSecondsOf(piece), 0);
}

const REASONS: Readonly<Record<Suspicion, string>> = {
  empty: 'There is speech here for which the engine gave no text',
  too_little: 'The text is far too short for the speech here',
  too_much: 'The text is longer than anyone can speak in this time',
  no_speech: 'There is text here although hardly any speech was found',
  repetition: 'The same words are repeated over and over here',
  truncated: 'The engine broke off before the end of the speech here',
};

/** Null where the text is believed. */
export function warningOfSuspicion({ piece, suspicion }: Pick<Heard, 'piece' | 'suspicion'>): Warning | null {
  if (suspicion === null) return null;
  return {
    code: 'text_suspect',
    message: `${REASONS[suspicion]}. Compare it with the audio.`,
    param: 'inputs.audio',
    start: piece.start / SAMPLE_RATE_HZ,
    end: piece.end / SAMPLE_RATE_HZ,
  };
}
