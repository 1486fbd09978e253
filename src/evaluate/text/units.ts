/**
 * What is counted for a language: words where they are written apart, characters where they are not. Both the reference and
 * the text go through the same rules, so what they take for equal is no error.
 */
import { chineseNumbersToDigits } from './chinese-numbers.ts';
import { englishWords } from './english.ts';
import { withoutBrackets } from './marks.ts';

export type Measure = 'words' | 'characters';

/** Languages whose error rate is one of characters: most write no spaces, and Korean writes them as it likes. */
const CHARACTER_LANGUAGES = new Set(['zh', 'yue', 'ja', 'ko', 'th', 'lo', 'my', 'km']);
/** Languages that write numbers with Chinese characters. */
const CHINESE_NUMBERS = new Set(['zh', 'yue', 'ja']);

/** @param language ISO 639, with or without a region: `en`, `zh-CN`. */
export function measureOf(language: string): Measure {
  return CHARACTER_LANGUAGES.has(baseOf(language)) ? 'characters' : 'words';
}

export function unitsOf(text: string, language: string): string[] {
  const base = baseOf(language);
  if (base === 'en') return englishWords(text);
  return measureOf(base) === 'characters' ? charactersOf(text, CHINESE_NUMBERS.has(base)) : wordsOf(text);
}

/** `zh` of `zh-CN`. */
export function baseOf(language: string): string {
  return language.toLowerCase().split(/[-_]/)[0] ?? '';
}

/**
 * Words of any language: case, punctuation, symbols and brackets don't count. Marks do, since in many scripts they are
 * vowels; an apostrophe inside of a word is a part of it.
 */
export function wordsOf(text: string): string[] {
  return folded(text).match(/[\p{L}\p{M}\p{N}]+(?:'[\p{L}\p{M}\p{N}]+)*/gu) ?? [];
}

/**
 * Characters without punctuation and spaces. A word in Latin, Greek or Cyrillic letters among them counts as one, as in a
 * mixed error rate; each digit of a number counts by itself.
 */
function charactersOf(text: string, chineseNumbers: boolean): string[] {
  const line = folded(text);
  const numbered = chineseNumbers ? chineseNumbersToDigits(line) : line;
  return numbered.replace(/(\d),(?=\d{3})/g, '$1').match(CHARACTER_UNITS) ?? [];
}

const WORD_LETTERS = String.raw`[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]`;

/** A word in letters, else any letter, digit or mark; the point of a decimal number and the sign of a percentage too. */
const CHARACTER_UNITS = new RegExp(
  String.raw`${WORD_LETTERS}+(?:'${WORD_LETTERS}+)*|[\p{L}\p{M}\p{N}]|(?<=\d)\.(?=\d)|(?<=\d)%`,
  'gu',
);

function folded(text: string): string {
  return withoutBrackets(text.normalize('NFKC').toLowerCase()).replace(/[\u2018\u2019\u02BC]/g, "'");
}
