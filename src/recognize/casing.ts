/** Knows from a recording's own text which words have a capital of their own, and takes it from the others in mid-sentence. */

export interface Casing {
  /** Looks at the words of a piece that do not begin a sentence. */
  learn(text: string): void;
  /** A text whose first word has a capital only because the engine took it for the beginning of a sentence. */
  asMidSentence(text: string): string;
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*/gu;
const FIRST_WORD = /^\p{Lu}[\p{L}\p{M}\p{N}]*(?:['’][\p{L}\p{M}\p{N}]+)*/u;
/** What stands before the first word of a sentence. */
const SENTENCE_BEGINS = /(?:^|[.?!…:]["'”’)\]]*\s+)["'“‘([¿¡]*$/u;

/** English words that are written with a capital wherever they stand. */
const ALWAYS_CAPITAL =
  /^(?:i|mr|mrs|ms|dr|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|april|june|july|august|september|october|november|december|english)$/u;
/** English words that never have a capital of their own, even before a name. */
const ALWAYS_SMALL =
  /^(?:a|an|the|this|that|these|those|and|or|but|nor|so|if|as|at|by|for|from|in|into|of|on|onto|to|with|without|over|under|until|since|because|when|where|which|who|whose|while|although|though|he|she|it|they|we|you|his|her|its|their|our|your|my|is|are|was|were|be|been|has|have|had|do|does|did|can|could|shall|should|would|must|not|there|then|than|what|how|why)$/u;

/** A language that writes nouns with a capital, as German does, shows it by so many words of so great a share. */
const WORDS_TO_JUDGE_BY = 20;
const CAPITAL_SHARE_OF_NOUNS = 0.2;

export function createCasing(): Casing {
  const capitals = new Set<string>();
  const smalls = new Set<string>();
  let capitalCount = 0;
  let smallCount = 0;

  function keepsCapital(word: string, rest: string): boolean {
    const [stem = ''] = word.toLowerCase().split(/['’]/u);
    if (ALWAYS_CAPITAL.test(stem)) return true;
    // More than one capital, a digit, or one letter alone that is not "A": an acronym, a name such as McDonald, a letter.
    if (/^.+[\p{Lu}\p{N}]/u.test(word) || (word.length === 1 && word !== 'A')) return true;
    if (ALWAYS_SMALL.test(stem) || smalls.has(stem)) return false;
    if (capitals.has(stem) || /^\s+\p{Lu}(?!['’\s,.]|$)/u.test(rest)) return true;
    const count = capitalCount + smallCount;
    return count >= WORDS_TO_JUDGE_BY && capitalCount / count >= CAPITAL_SHARE_OF_NOUNS;
  }

  return {
    learn(text) {
      for (const { 0: word, index } of text.matchAll(WORD)) {
        const [stem = ''] = word.toLowerCase().split(/['’]/u);
        if (SENTENCE_BEGINS.test(text.slice(Math.max(0, index - 10), index)) || stem === 'i') continue;
        if (/^\p{Lu}/u.test(word)) {
          capitals.add(stem);
          capitalCount += 1;
        } else if (/^\p{Ll}/u.test(word)) {
          smalls.add(stem);
          smallCount += 1;
        }
      }
    },
    asMidSentence(text) {
      const word = FIRST_WORD.exec(text)?.[0];
      if (word === undefined || keepsCapital(word, text.slice(word.length))) return text;
      const [capital = ''] = word;
      return capital.toLowerCase() + text.slice(capital.length);
    },
  };
}
