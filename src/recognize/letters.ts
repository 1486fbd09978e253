/** How much speech a text is: letters, where one that stands for a syllable counts for several. */

const LETTER = /[\p{L}\p{N}]/gu;
/** Scripts that write about a syllable with one letter. */
const SYLLABLE = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}]/u;
const LETTERS_PER_SYLLABLE = 2.5;

/** Punctuation and spaces take no time. */
export function lettersOf(text: string): number {
  let letters = 0;
  for (const [letter] of text.matchAll(LETTER)) letters += SYLLABLE.test(letter) ? LETTERS_PER_SYLLABLE : 1;
  return letters;
}
