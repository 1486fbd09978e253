/** The longest sequence of tokens whose repetition is looked for: a sentence of some length. */
const PERIOD_TOKENS_MAX = 32;

/** How often a sequence must stand in a row, and how many tokens that must fill, before it is a loop and not speech. */
const REPEATS_MIN = 4;
const REPEATED_TOKENS_MIN = 16;

/**
 * Finds the loop in which a greedy decoder is caught: one sequence of tokens over and over at the end. Returns how many
 * tokens to keep, up to the end of the sequence's first occurrence; null without a loop.
 */
export function findLoop(tokens: readonly number[]): number | null {
  for (let period = 1; period <= PERIOD_TOKENS_MAX; period += 1) {
    // The first token of the end that repeats with this period, one period after where the run begins.
    let repeat = tokens.length;
    while (repeat > period && tokens[repeat - 1] === tokens[repeat - 1 - period]) repeat -= 1;
    const run = tokens.length - repeat + period;
    if (run >= period * REPEATS_MIN && run >= REPEATED_TOKENS_MIN) return repeat;
  }
  return null;
}
