/**
 * English as it is compared: the rules that the Whisper paper publishes (appendix C), so that "Mr. Smith can't pay $5" and
 * "mister smith cannot pay five dollars" are the same words. Both sides go through it, the reference and the text.
 */
import { numbersToDigits } from './english-numbers.ts';
import { americanSpelling } from './english-spelling.ts';
import { withoutBrackets, withoutMarks } from './marks.ts';

const FILLERS = /\b(?:hmm|mm|mhm|mmm|uh|um)\b/g;

/** Contractions and titles in full. Their order counts: the particular stands before the general. */
const EXPANSIONS: readonly (readonly [RegExp, string])[] = (
  [
    [String.raw`\bwon't\b`, 'will not'],
    [String.raw`\bcan't\b`, 'can not'],
    [String.raw`\bcannot\b`, 'can not'],
    [String.raw`\blet's\b`, 'let us'],
    [String.raw`\bain't\b`, 'aint'],
    [String.raw`\by'all\b`, 'you all'],
    [String.raw`\bwanna\b`, 'want to'],
    [String.raw`\bgotta\b`, 'got to'],
    [String.raw`\bgonna\b`, 'going to'],
    [String.raw`\bi'ma\b|\bimma\b`, 'i am going to'],
    [String.raw`\bwoulda\b`, 'would have'],
    [String.raw`\bcoulda\b`, 'could have'],
    [String.raw`\bshoulda\b`, 'should have'],
    [String.raw`\bma'am\b`, 'madam'],
    [String.raw`\bmr\b`, 'mister '],
    [String.raw`\bmrs\b`, 'missus '],
    [String.raw`\bst\b`, 'saint '],
    [String.raw`\bdr\b`, 'doctor '],
    [String.raw`\bprof\b`, 'professor '],
    [String.raw`\bcapt\b`, 'captain '],
    [String.raw`\bgov\b`, 'governor '],
    [String.raw`\bald\b`, 'alderman '],
    [String.raw`\bgen\b`, 'general '],
    [String.raw`\bsen\b`, 'senator '],
    [String.raw`\brep\b`, 'representative '],
    [String.raw`\bpres\b`, 'president '],
    [String.raw`\brev\b`, 'reverend '],
    [String.raw`\bhon\b`, 'honorable '],
    [String.raw`\basst\b`, 'assistant '],
    [String.raw`\bassoc\b`, 'associate '],
    [String.raw`\blt\b`, 'lieutenant '],
    [String.raw`\bcol\b`, 'colonel '],
    [String.raw`\bjr\b`, 'junior '],
    [String.raw`\bsr\b`, 'senior '],
    [String.raw`\besq\b`, 'esquire '],
    [String.raw`'d (been|gone|got|done)\b`, ' had $1'],
    [String.raw`'s (been|gone|got|done)\b`, ' has $1'],
    [String.raw`n't\b`, ' not'],
    [String.raw`'re\b`, ' are'],
    [String.raw`'s\b`, ' is'],
    [String.raw`'d\b`, ' would'],
    [String.raw`'ll\b`, ' will'],
    [String.raw`'t\b`, ' not'],
    [String.raw`'ve\b`, ' have'],
    [String.raw`'m\b`, ' am'],
  ] as const
).map(([pattern, replacement]) => [new RegExp(pattern, 'g'), replacement]);

/** The words of an English text as they are compared. */
export function englishWords(text: string): string[] {
  let line = withoutBrackets(text.toLowerCase())
    .replace(/[\u2018\u2019\u02BC\uFF07]/g, "'")
    .replace(FILLERS, '')
    .replace(/\s+'/g, "'");
  for (const [pattern, replacement] of EXPANSIONS) line = line.replace(pattern, replacement);
  line = line.replace(/(\d),(?=\d)/g, '$1').replace(/\.(?!\d)/g, ' ');
  line = withoutMarks(line, '.%$¢€£')
    // "rc232" is said in two words; "10 th" is one.
    .replace(/(\p{L})(?=\d)/gu, '$1 ')
    .replace(/(\d)(?=\p{L})/gu, '$1 ')
    .replace(/(\d)\s+(st|nd|rd|th|s)\b/g, '$1$2');
  const words = numbersToDigits(line.split(/\s+/).filter(Boolean));
  return words
    .map((word) => americanSpelling(ONE[word] ?? withoutLooseSymbols(word)))
    .flatMap((word) => word.split(' ').filter(Boolean));
}

/** A lone one is as often a pronoun as a number. */
const ONE: Readonly<Record<string, string>> = { '1': 'one', '1s': 'ones' };

/** Symbols that belong to no number, such as the dot of ".net" or the sign of "$ten". */
function withoutLooseSymbols(word: string): string {
  return word
    .replace(/[.$¢€£](?!\d)/g, ' ')
    .replace(/(?<!\d)%/g, ' ')
    .replace(/(?<!\d)\.(?=\d)/g, ' ');
}
