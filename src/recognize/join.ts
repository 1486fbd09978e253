/**
 * Joins the texts of pieces, in order, to one text, and says at each step how much of it is settled. Where a piece ends in
 * a pause its text stays as the engine wrote it. Where it was cut through speech, the engine took its end for the end of
 * a sentence and what follows for the beginning of one; that is mended here.
 */
import { createCasing, type Casing } from './casing.ts';

export interface PieceText {
  readonly text: string;
  /** Whether the piece was cut from the next one where there was no pause. */
  readonly forcedEnd: boolean;
}

/** What is settled by a piece and was not before. */
export interface Settled {
  /** The end of the last piece that has a text: punctuation that waited for what follows. */
  readonly ending: string;
  /** The piece's own text as it stands in the whole, with the space before it and without what may still change. */
  readonly text: string;
}

/** Takes piece after piece; all that it returned, put together, is the whole text. */
export interface Joiner {
  push(piece: PieceText): Settled;
  /** The rest, once there are no more pieces. */
  finish(): string;
}

/** Letters and marks of scripts that put no space between words; full-width forms belong to them. */
const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\uFF01-\uFF60`;
const ENDS_UNSPACED = new RegExp(`[${UNSPACED}]$`, 'u');
const STARTS_UNSPACED = new RegExp(`^[${UNSPACED}]`, 'u');
const LETTERS_AT_END = new RegExp(`[${UNSPACED}]+$`, 'u');

/** Punctuation at the end of a piece that was cut: the next piece decides what becomes of it. */
const PUNCTUATION_AT_END = /\s*\p{P}+$/u;
/** An end that an engine writes because its audio ends. Question and exclamation marks were heard, and stay. */
const WRITTEN_END = /^\s*(?:[.．。｡।۔,，、]|\.{3}|…+)$/u;
/** A dot that belongs to its word: "Mr.", "etc.", "U.S.", "J.". */
const ENDS_WITH_ABBREVIATION = /(?<!\p{L})(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|[b-hj-z]|(?:\p{L}\.)+\p{L})$/iu;
const ENDS_WITH_TITLE = /(?<!\p{L})(?:Mr|Mrs|Ms|Dr|Prof|St)$/u;

/** The most that is looked at for standing on both sides of a cut; of scripts without spaces one letter says nothing. */
const DOUBLED_WORDS_MAX = 3;
const DOUBLED_LETTERS_MAX = 8;
const DOUBLED_LETTERS_MIN = 2;
/** What people say twice on purpose, and numbers, whose digits repeat, are no sign of having been heard twice. */
const SAID_TWICE =
  /^(?:no|yes|yeah|very|really|so|bye|ha|hey|oh|more|had|that|\p{N}+|zero|one|two|three|four|five|six|seven|eight|nine)$/u;

/** Enough of the text so far to know the words before a seam. */
const CONTEXT_CHARACTERS = 200;

/**
 * Chinese, Japanese, Thai and the like go together without a space; wherever a script with spaces is on either side of
 * the seam there is one. Empty texts leave no trace.
 */
export function joinTexts(pieces: readonly PieceText[]): string {
  return sharesOf(pieces).join('');
}

/** What each piece has of the whole text: put together they are the whole. */
export function sharesOf(pieces: readonly PieceText[]): string[] {
  const joiner = createJoiner();
  const shares: string[] = [];
  let last = 0;
  for (const piece of pieces) {
    const { ending, text } = joiner.push(piece);
    if (ending !== '') shares[last] = (shares[last] ?? '') + ending;
    if (text !== '') last = shares.length;
    shares.push(text);
  }
  if (shares.length > 0) shares[last] = (shares[last] ?? '') + joiner.finish();
  return shares;
}

export function createJoiner(): Joiner {
  const casing = createCasing();
  /** The end of what has left. */
  let context = '';
  /** Punctuation behind it that waits for the other side of a cut. */
  let held = '';
  let isCut = false;

  function leave(text: string): string {
    context = (context + text).slice(-CONTEXT_CHARACTERS);
    return text;
  }

  return {
    push({ text: untrimmed, forcedEnd }) {
      const text = untrimmed.trim().replaceAll(/\s+/gu, ' ');
      if (text === '') {
        // Nothing was heard on the other side of the cut, so that nothing speaks against the end that was written.
        isCut = false;
        return { ending: '', text: '' };
      }
      casing.learn(text);
      const seam = isCut ? mend({ context, punctuation: held, text }, casing) : { punctuation: held, text };
      isCut = forcedEnd;
      if (seam.text === '') {
        held = seam.punctuation;
        return { ending: '', text: '' };
      }
      const ending = leave(seam.punctuation);
      held = forcedEnd ? (PUNCTUATION_AT_END.exec(seam.text)?.[0] ?? '') : '';
      const settled = seam.text.slice(0, seam.text.length - held.length);
      return { ending, text: leave(separator(context, settled) + settled) };
    },
    finish() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/** What stands between two texts: nothing within a script without spaces, and nothing beside an empty text. */
export function separator(before: string, after: string): string {
  if (before === '' || after === '') return '';
  return ENDS_UNSPACED.test(before) && STARTS_UNSPACED.test(after) ? '' : ' ';
}

interface Seam {
  /** The text before the cut without the punctuation at its end. */
  readonly context: string;
  readonly punctuation: string;
  /** The text after the cut. */
  readonly text: string;
}

/** Both sides of a cut through speech, as if it had been heard in one go. */
function mend(seam: Seam, casing: Casing): Omit<Seam, 'context'> {
  const doubled = doubledStart(seam);
  if (doubled > 0) {
    const rest = seam.text.slice(doubled);
    // The second time was heard with what follows, and knows which mark stands there.
    const punctuation = /^\p{P}*/u.exec(rest)?.[0] ?? '';
    return { punctuation, text: rest.slice(punctuation.length).trimStart() };
  }
  const isHeardEnd = seam.punctuation !== '' && !WRITTEN_END.test(seam.punctuation);
  if (isHeardEnd) return { punctuation: seam.punctuation, text: seam.text };
  const isPartOfWord = seam.punctuation === '.' && ENDS_WITH_ABBREVIATION.test(seam.context);
  return {
    punctuation: isPartOfWord || /^[,，、]$/u.test(seam.punctuation) ? seam.punctuation : '',
    text: ENDS_WITH_TITLE.test(seam.context) ? seam.text : casing.asMidSentence(seam.text),
  };
}

/** How many characters at the beginning of the text after a cut stand at the end of the text before it too. */
function doubledStart({ context, text }: Seam): number {
  const letters = LETTERS_AT_END.exec(context)?.[0] ?? '';
  for (let count = Math.min(DOUBLED_LETTERS_MAX, letters.length); count >= DOUBLED_LETTERS_MIN; count -= 1) {
    if (text.startsWith(letters.slice(-count))) return count;
  }
  const before = wordsOf(context);
  const after = wordsOf(text).slice(0, DOUBLED_WORDS_MAX);
  for (let count = Math.min(before.length, after.length); count > 0; count -= 1) {
    const [last, first] = [before.slice(-count), after.slice(0, count)];
    if (last.some(({ word }, index) => word !== first[index]?.word)) continue;
    if (first.every(({ word }) => SAID_TWICE.test(word))) continue;
    return first.at(-1)?.end ?? 0;
  }
  return 0;
}

interface Word {
  /** In small letters. */
  readonly word: string;
  readonly end: number;
}

/** Words of scripts with spaces; what stands between spaces and has no letter is none. */
function wordsOf(text: string): Word[] {
  return [...text.matchAll(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu)]
    .filter(([word]) => !STARTS_UNSPACED.test(word))
    .map((match) => ({ word: match[0].normalize('NFKC').toLowerCase(), end: match.index + match[0].length }));
}
