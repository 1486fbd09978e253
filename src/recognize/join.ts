/** Joins the texts of pieces, in order, to one text. */

/** Letters and marks of scripts that put no space between words; full-width forms belong to them. */
const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\uFF01-\uFF60`;
const ENDS_UNSPACED = new RegExp(`[${UNSPACED}]$`, 'u');
const STARTS_UNSPACED = new RegExp(`^[${UNSPACED}]`, 'u');

/**
 * Chinese, Japanese, Thai and the like go together without a space; wherever a script with spaces is on either side of
 * the seam there is one. Empty texts leave no trace.
 */
export function joinTexts(texts: readonly string[]): string {
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .reduce((joined, text) => joined + separator(joined, text) + text, '');
}

function separator(before: string, after: string): string {
  if (before === '') return '';
  return ENDS_UNSPACED.test(before) && STARTS_UNSPACED.test(after) ? '' : ' ';
}
