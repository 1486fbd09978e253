/** Word errors of an English text against what was said, by the rules of `earshot evaluate`. */
import { align, countSteps, type Step } from '../evaluate/align.ts';
import { englishWords } from '../evaluate/text/english.ts';

export interface WordErrors {
  /** Words inserted, left out or replaced: the least number that explains the difference. */
  readonly errors: number;
  /** Words of the reference. */
  readonly words: number;
}

export function wordErrors(reference: string, text: string): WordErrors {
  const { hits, substitutions, deletions, insertions } = countSteps(align(englishWords(reference), englishWords(text)));
  return { errors: substitutions + deletions + insertions, words: hits + substitutions + deletions };
}

export function wordErrorRate(reference: string, text: string): number {
  const { errors, words } = wordErrors(reference, text);
  return errors / words;
}

/**
 * The most words of one stretch that nothing in the other text stands for, by their letters: a stretch that was heard
 * wrongly may come out as fewer words, but hardly as fewer letters.
 */
export function mostLost(reference: string, text: string): { readonly missing: number; readonly added: number } {
  let [missing, added] = [0, 0];
  for (const steps of differingStretches(align(englishWords(reference), englishWords(text)))) {
    const said = steps.flatMap((step) => step.reference ?? []);
    const heard = steps.flatMap((step) => step.text ?? []);
    missing = Math.max(missing, wordsBeyond(said, heard));
    added = Math.max(added, wordsBeyond(heard, said));
  }
  return { missing, added };
}

function differingStretches(steps: readonly Step[]): Step[][] {
  const stretches: Step[][] = [[]];
  for (const step of steps) {
    if (step.reference === step.text) stretches.push([]);
    else stretches.at(-1)?.push(step);
  }
  return stretches;
}

/** How many words the letters that `words` has more than `others` are. */
function wordsBeyond(words: readonly string[], others: readonly string[]): number {
  const letters = words.join('').length;
  return letters === 0 ? 0 : words.length * Math.max(0, 1 - others.join('').length / letters);
}
