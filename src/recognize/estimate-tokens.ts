/** Scripts in which a tokenizer spends about a token on each character. */
const DENSE = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}]/gu;

const CHARACTER = /./gsu;

const CHARACTERS_PER_TOKEN = 4;

/**
 * The rule for the output tokens of an engine that reports none: one for each Chinese, Japanese or Korean character
 * (their punctuation too), and one for every four other characters, rounded up; characters are Unicode code points,
 * spaces count. An empty text has none.
 */
export function estimateTokens(text: string): number {
  const dense = count(text, DENSE);
  return dense + Math.ceil((count(text, CHARACTER) - dense) / CHARACTERS_PER_TOKEN);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
