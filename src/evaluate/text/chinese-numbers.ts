/** Numbers in Chinese characters to digits, so that 二十三, 廿三 and 23 are the same; Japanese uses the same characters. */

const DIGITS: ReadonlyMap<string, number> = new Map([
  ...Array.from('零一二三四五六七八九', (character, value) => [character, value] as const),
  ['〇', 0],
  ['两', 2],
  ['兩', 2],
  ['幺', 1],
]);
const MULTIPLIERS: ReadonlyMap<string, number> = new Map([
  ['十', 10],
  ['百', 100],
  ['千', 1000],
]);
const MYRIADS: ReadonlyMap<string, bigint> = new Map([
  ['万', 10_000n],
  ['萬', 10_000n],
  ['亿', 100_000_000n],
  ['億', 100_000_000n],
]);

const NUMERAL = /[零一二三四五六七八九〇两兩幺十百千万萬亿億]+/g;

/** Text after NFKC; a number that was written in digits may go before 万 and its like: "3万" is 30000. */
export function chineseNumbersToDigits(text: string): string {
  return text
    .replace(/(\d+(?:\.\d+)?)([万萬亿億])(?![零一二三四五六七八九两兩千百])/g, (_, digits: string, myriad: string) =>
      scaled(digits, MYRIADS.get(myriad) ?? 1n),
    )
    .replace(NUMERAL, (numeral) => digitsOf(numeral))
    .replace(/(?<=\d)点(?=\d)/g, '.')
    .replace(/百分之(\d+(?:\.\d+)?)/g, '$1%')
    .replace(/100分之(\d+(?:\.\d+)?)/g, '$1%')
    .replace(/(\d+)分之(\d+)/g, '$2/$1');
}

function scaled(decimal: string, factor: bigint): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  const product = BigInt(whole + fraction) * factor;
  const divisor = 10n ** BigInt(fraction.length);
  return product % divisor === 0n ? String(product / divisor) : decimal + (factor === 10_000n ? '万' : '亿');
}

/** "二零二六" is read digit by digit, "两千零二十六" adds up; what is no number, such as "万一", stays half as it is. */
function digitsOf(numeral: string): string {
  const characters = Array.from(numeral);
  if (characters.every((character) => DIGITS.has(character))) {
    return characters.map((character) => DIGITS.get(character)).join('');
  }
  const value = valueOf(characters);
  return value === null ? characters.map((character) => DIGITS.get(character) ?? character).join('') : String(value);
}

/** The value of a number with units, or null where the characters make none. */
function valueOf(characters: readonly string[]): bigint | null {
  let total = 0n;
  let section = 0n;
  let digit: number | null = null;
  /** The last unit, for "三万五", where the five counts thousands. */
  let unit = 1n;
  for (const [index, character] of characters.entries()) {
    const value = DIGITS.get(character);
    const multiplier = MULTIPLIERS.get(character);
    if (value !== undefined) {
      if (digit !== null && digit !== 0) return null;
      digit = value;
      if (value === 0) unit = 1n;
    } else if (multiplier !== undefined) {
      // Ten may stand alone ("十二"); a hundred or a thousand without its count is a word of another kind.
      if (digit === null && (multiplier !== 10 || (index > 0 && section === 0n && total === 0n))) return null;
      section += BigInt(multiplier) * BigInt(digit ?? 1);
      unit = BigInt(multiplier) / 10n;
      digit = null;
    } else {
      const myriad = MYRIADS.get(character) ?? 1n;
      const before = section + BigInt(digit ?? 0);
      if (before === 0n && total === 0n) return null;
      total = total !== 0n && total < myriad ? (total + before) * myriad : total + before * myriad;
      section = 0n;
      unit = myriad / 10n;
      digit = null;
    }
  }
  const last = BigInt(digit ?? 0) * (characters.length > 1 ? unit : 1n);
  return total + section + last;
}
