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

/** The most words in a row that are missing in the text, and the most in a row that nobody said. */
export function longestRuns(reference: string, text: string): { readonly missing: number; readonly added: number } {
  const steps = align(englishWords(reference), englishWords(text));
  return {
    missing: longestRun(steps, (step) => step.text === null),
    added: longestRun(steps, (step) => step.reference === null),
  };
}

function longestRun(steps: readonly Step[], is: (step: Step) => boolean): number {
  let [longest, run] = [0, 0];
  for (const step of steps) {
    run = is(step) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
