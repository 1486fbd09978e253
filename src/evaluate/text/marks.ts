/** What is written but not said: brackets, punctuation, symbols, accents. */

/** Without what stands in brackets: notes such as "[laughter]" or "(inaudible)". */
export function withoutBrackets(text: string): string {
  return text.replace(/[<[【][^>\]】]*[>\]】]/g, '').replace(/[(（][^)）]*[)）]/g, '');
}

/** Letters that are no base letter with an accent, and yet have a plain form. */
const PLAIN: Readonly<Record<string, string>> = { œ: 'oe', ø: 'o', æ: 'ae', ß: 'ss', đ: 'd', ð: 'd', þ: 'th', ł: 'l' };

/** With a space for each symbol and punctuation mark that is not among `kept`, and without accents; for text in lower case. */
export function withoutMarks(text: string, kept: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .replace(/[œøæßđðþł]/g, (letter) => PLAIN[letter] ?? letter)
    .replace(/[\p{M}\p{S}\p{P}]/gu, (mark) => (kept.includes(mark) ? mark : ' '));
}
