/** Looks at what an engine wrote for a piece and says where it can hardly be what was spoken. Pure. */
import { SAMPLE_RATE_HZ, type Piece } from '../core/pcm.ts';
import type { EngineText } from '../engines/contract.ts';
import { lettersOf } from './letters.ts';

export type Suspicion =
  /** There is much speech and no text. */
  | 'empty'
  /** There is far less text than so much speech has. */
  | 'too_little'
  /** There is more text than can be spoken in the time. */
  | 'too_much'
  /** There is text where there is next to no speech. */
  | 'no_speech'
  /** The same words or characters stand there over and over. */
  | 'repetition'
  /** The engine broke off. */
  | 'truncated';

/** Speech has about 12 letters a second, spaces left out; auctioneers reach 25. A few more may fall into a short piece. */
const LETTERS_PER_SECOND_MAX = 27;
const LETTERS_ALWAYS_ALLOWED = 12;
export const LETTERS_PER_SECOND_USUAL = 12;
/** The slowest speaker stays above, since pauses don't count as speech. */
const LETTERS_PER_SECOND_MIN = 2;

/** What speech detection takes for so much speech is some; in less, a cough may be all. */
const SPEECH_SECONDS_OF_SOME_TEXT = 2;
const SPEECH_SECONDS_OF_MUCH_TEXT = 4;
/** In less speech than this there is room for a word or two. */
const SPEECH_SECONDS_OF_A_WORD = 0.25;
const LETTERS_OF_A_WORD = 12;

/** A phrase that stands so often in a row is a loop, if it fills so many words; people say "no no no" too. */
const PHRASE_REPEATS_MIN = 4;
const PHRASE_WORDS_MIN = 12;
const PHRASE_WORDS_MAX = 16;
const WORD_REPEATS_MIN = 10;
/** The same for characters within what has no spaces. */
const CHARACTERS_REPEATS_MIN = 5;
const CHARACTERS_MIN = 24;
const CHARACTERS_PERIOD_MAX = 24;

/** Null where the text may well be what is spoken in the piece. */
export function suspicionOf(
  heard: Pick<EngineText, 'text' | 'truncated'>,
  piece: Pick<Piece, 'speech'>,
): Suspicion | null {
  const seconds = speechSecondsOf(piece);
  const letters = lettersOf(heard.text);
  if (heard.text.trim() === '') return seconds >= SPEECH_SECONDS_OF_SOME_TEXT ? 'empty' : null;
  if (loops(heard.text)) return 'repetition';
  if (heard.truncated === true) return 'truncated';
  if (seconds < SPEECH_SECONDS_OF_A_WORD && letters > LETTERS_OF_A_WORD) return 'no_speech';
  if (letters > LETTERS_ALWAYS_ALLOWED + seconds * LETTERS_PER_SECOND_MAX) return 'too_much';
  if (seconds >= SPEECH_SECONDS_OF_MUCH_TEXT && letters < seconds * LETTERS_PER_SECOND_MIN) return 'too_little';
  return null;
}

export function speechSecondsOf({ speech }: Pick<Piece, 'speech'>): number {
  return speech.reduce((sum, { start, end }) => sum + end - start, 0) / SAMPLE_RATE_HZ;
}

/** Whether words, or characters between two spaces, repeat beyond what people say. */
function loops(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}'’]+/gu) ?? [];
  for (let period = 1; period <= PHRASE_WORDS_MAX; period += 1) {
    const run = longestRun(words, period);
    if (run >= (period === 1 ? WORD_REPEATS_MIN : Math.max(PHRASE_WORDS_MIN, PHRASE_REPEATS_MIN * period))) return true;
  }
  return text.split(/\s+/u).some((part) => {
    const characters = part.match(/./gsu) ?? [];
    for (let period = 1; period <= Math.min(CHARACTERS_PERIOD_MAX, characters.length); period += 1) {
      if (longestRun(characters, period) >= Math.max(CHARACTERS_MIN, CHARACTERS_REPEATS_MIN * period)) return true;
    }
    return false;
  });
}

/** The length of the longest stretch in which each item equals the one so many places before it. */
function longestRun(items: readonly string[], period: number): number {
  let longest = 0;
  let run = period;
  for (let index = period; index < items.length; index += 1) {
    run = items[index] === items[index - period] ? run + 1 : period;
    longest = Math.max(longest, run);
  }
  return longest;
}
