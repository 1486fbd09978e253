/** Word errors of a text against what was said. Case and punctuation don't count. */

export interface WordErrors {
  /** Words inserted, left out or replaced: the least number that explains the difference. */
  readonly errors: number;
  /** Words of the reference. */
  readonly words: number;
}

export function wordErrors(reference: string, text: string): WordErrors {
  const expected = wordsOf(reference);
  return { errors: editDistance(expected, wordsOf(text)), words: expected.length };
}

export function wordErrorRate(reference: string, text: string): number {
  const { errors, words } = wordErrors(reference, text);
  return errors / words;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}

function editDistance(from: readonly string[], to: readonly string[]): number {
  // One row of the table at a time: the distance from the words so far to each beginning of `to`.
  let row = Array.from({ length: to.length + 1 }, (_, count) => count);
  for (const [index, word] of from.entries()) {
    const next = [index + 1];
    for (const [column, other] of to.entries()) {
      const replaced = (row[column] ?? 0) + (word === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
