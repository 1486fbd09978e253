const CHARACTERS_MAX = 300;
const SECRET_CHARACTERS_MIN = 8;
const KEY_OF_ANY_VENDOR = /\b(?:Bearer\s+\S+|(?:sk|pk|key)[-_][\w*.-]{6,})/gi;

/**
 * What a vendor said, fit for a log: one line, cut, and without keys, since some vendors repeat the key that they refuse.
 * @param secrets header values such as `Bearer KEY`.
 */
export function vendorWords(text: string, secrets: readonly string[]): string {
  let words = text;
  // A key such as `id.secret` may come back in parts.
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\s+/), ...secret.split(/[\s.]+/)]);
  for (const part of parts.filter(({ length }) => length >= SECRET_CHARACTERS_MIN).toSorted(longerFirst)) {
    words = words.replaceAll(part, '[key]');
  }
  return words
    .replace(KEY_OF_ANY_VENDOR, '[key]')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, CHARACTERS_MAX);
}

function longerFirst(left: string, right: string): number {
  return right.length - left.length;
}
