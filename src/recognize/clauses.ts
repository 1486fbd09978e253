/** Divides a text into sentences, and long sentences into clauses, for timestamps and subtitles. Pure. */
import { separator } from './join.ts';
import { lettersOf } from './letters.ts';

/** About five seconds of speech: two lines of subtitles. */
const LETTERS_MAX = 64;

const SENTENCE_END = /(?<=[.?!…؟।][\p{Pe}\p{Pf}"']*)\s+(?=\S)|(?<=[。？！｡][\p{Pe}\p{Pf}"']*)(?![\p{P}\s])\s*/gu;
const CLAUSE_END = /(?<=[,;:—][\p{Pe}\p{Pf}"']*)\s+(?=\S)|(?<=[，、；：][\p{Pe}\p{Pf}"']*)(?![\p{P}\s])\s*/gu;
/** A dot behind these ends no sentence. */
const ABBREVIATION = /(?:^|[\s("'“‘])(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|\p{Lu}|(?:\p{L}\.)+\p{L})\.$/u;

/** Closing marks stay with the word before. */
const STARTS_WORD = /^[\p{L}\p{N}\p{Ps}\p{Pi}"'¿¡]/u;

const words = new Intl.Segmenter('und', { granularity: 'word' });

/** The parts in order; joined by the rule of `joinTexts` they are the text. */
export function clausesOf(text: string): string[] {
  const sentences = divided(text, SENTENCE_END).flatMap((sentence) =>
    lettersOf(sentence) <= LETTERS_MAX ? [sentence] : packed(divided(sentence, CLAUSE_END)),
  );
  return sentences.flatMap((part) => (lettersOf(part) <= LETTERS_MAX ? [part] : divideEvenly(part)));
}

/** Parts between the matches of a pattern, where joining puts back just what stood there. */
function divided(text: string, ends: RegExp): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const { 0: gap, index } of text.matchAll(ends)) {
    const [before, after] = [text.slice(start, index), text.slice(index + gap.length)];
    if (before === '' || after === '' || ABBREVIATION.test(before) || separator(before, after) !== gap) continue;
    parts.push(before);
    start = index + gap.length;
  }
  const rest = text.slice(start);
  return rest === '' ? parts : [...parts, rest];
}

/** Short clauses go together as far as they fit. */
function packed(clauses: readonly string[]): string[] {
  const parts: string[] = [];
  for (const clause of clauses) {
    const last = parts.at(-1);
    const together = last === undefined ? clause : last + separator(last, clause) + clause;
    if (last !== undefined && lettersOf(together) <= LETTERS_MAX) parts[parts.length - 1] = together;
    else parts.push(clause);
  }
  return parts;
}

/** A clause too long for itself goes into so many parts as it needs. */
function divideEvenly(clause: string): string[] {
  return dividedInto(clause, Math.ceil(lettersOf(clause) / LETTERS_MAX));
}

/** The text in so many parts, or fewer where it has no more words, cut between words where they come out most alike. */
export function dividedInto(text: string, count: number): string[] {
  const letters = lettersOf(text);
  const parts: string[] = [];
  let start = 0;
  let last = 0;
  let spoken = 0;
  for (const at of breaksOf(text)) {
    spoken += lettersOf(text.slice(last, at));
    last = at;
    if (spoken < (letters * (parts.length + 1)) / count) continue;
    parts.push(text.slice(start, at).trimEnd());
    start = at;
  }
  return [...parts, text.slice(start)];
}

/** The places before words at which a text can be divided so that joining puts it together again. */
export function breaksOf(text: string): number[] {
  const breaks: number[] = [];
  for (const { index } of words.segment(text)) {
    const [before, after] = [text.slice(Math.max(0, index - 4), index), text.slice(index, index + 4)];
    const gap = before.length - before.trimEnd().length;
    if (before.trim() === '' || !STARTS_WORD.test(after)) continue;
    if (separator(before.trimEnd(), after).length === gap) breaks.push(index);
  }
  return breaks;
}
