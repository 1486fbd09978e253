/** Numbers in English words to digits: "two thousand and twenty six" to "2026", "five dollars" to "$5". */

const ONES = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const TEENS = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES = ['thousand', 'million', 'billion', 'trillion'];
const IRREGULAR_ORDINALS: Readonly<Record<string, string>> = {
  one: 'first',
  two: 'second',
  three: 'third',
  five: 'fifth',
  eight: 'eighth',
  nine: 'ninth',
  twelve: 'twelfth',
};
const ZEROS = new Set(['o', 'oh', 'zero']);
const REPEATS: ReadonlyMap<string, number> = new Map([
  ['double', 2],
  ['triple', 3],
]);
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['minus', '-'],
  ['negative', '-'],
  ['plus', '+'],
  ['positive', '+'],
]);
const CURRENCIES: ReadonlyMap<string, string> = new Map(
  (
    [
      ['dollar', '$'],
      ['pound', '£'],
      ['euro', '€'],
      ['cent', '¢'],
    ] as const
  ).flatMap(([name, symbol]) => [
    [name, symbol],
    [`${name}s`, symbol],
  ]),
);

type Word =
  /** A whole number below a hundred in words. */
  | { readonly kind: 'small'; readonly value: number; readonly suffix: string }
  | { readonly kind: 'hundred'; readonly suffix: string }
  | { readonly kind: 'scale'; readonly zeros: number; readonly suffix: string }
  /** A number that was written in digits. */
  | { readonly kind: 'literal'; readonly sign: string; readonly digits: string; readonly suffix: string };

const WORDS = numberWords();

/** @param words in lower case; digits keep their dots, and `$`, `£`, `€`, `¢` before and `%` after them. */
export function numbersToDigits(words: readonly string[]): string[] {
  const result: string[] = [];
  let index = 0;
  while (index < words.length) {
    const found = readNumber(words, index);
    if (found === null) {
      result.push(words[index] ?? '');
      index += 1;
    } else {
      result.push(found.text);
      index = found.next;
    }
  }
  return joinCents(result);
}

interface Found {
  readonly text: string;
  /** The index of the first word after it. */
  readonly next: number;
}

/** A number with its sign before and its unit after it; null where none begins. */
function readNumber(words: readonly string[], start: number): Found | null {
  const sign = SIGNS.get(words[start] ?? '');
  const body = readDigits(words, sign === undefined ? start : start + 1);
  if (body === null) return null;
  const { currency, digits, suffix, next } = body;
  const [word = '', after = ''] = words.slice(next, next + 2);
  const number = `${sign ?? ''}${currency}${digits}${suffix}`;
  if (suffix !== '' || currency !== '') return { text: number, next };
  if (word === 'percent') return { text: `${number}%`, next: next + 1 };
  if (word === 'per' && after === 'cent') return { text: `${number}%`, next: next + 2 };
  const unit = CURRENCIES.get(word);
  return unit === undefined ? { text: number, next } : { text: `${sign ?? ''}${unit}${digits}`, next: next + 1 };
}

interface Digits extends Omit<Found, 'text'> {
  readonly currency: string;
  readonly digits: string;
  /** `th`, `s`, `%` and the like; nothing follows it. */
  readonly suffix: string;
}

/**
 * Words that add up ("two hundred and six") become one number; words that don't ("nineteen ninety nine", "nine one one")
 * are read one after the other, as years and telephone numbers are.
 */
function readDigits(words: readonly string[], start: number): Digits | null {
  const number = new GrowingNumber();
  let currency = '';
  let index = start;
  while (index < words.length) {
    const word = words[index] ?? '';
    const [next = '', afterNext = ''] = words.slice(index + 1, index + 3);
    const repeats = REPEATS.get(word);
    const known = WORDS.get(word) ?? readLiteral(word);
    if (repeats !== undefined && isDigit(next)) {
      number.append(digitOf(next).repeat(repeats));
      index += 2;
    } else if (ZEROS.has(word) && (word === 'zero' || !number.empty) && !number.literal) {
      number.append('0');
      index += 1;
    } else if (known !== null) {
      if (!number.takes(known)) break;
      if (known.kind === 'literal') currency = known.sign;
      number.take(known);
      index += 1;
      if (known.suffix !== '') return { currency, digits: number.digits(), suffix: known.suffix, next: index };
    } else if (word === 'and' && number.open && goesOn(next)) {
      index += 1;
    } else if (word === 'and' && !number.empty && next === 'a' && afterNext === 'half') {
      number.point('5');
      index += 3;
    } else if (word === 'point' && !number.empty && !number.pointed) {
      const decimals = readDecimals(words, index + 1);
      if (decimals.text === '') break;
      number.point(decimals.text);
      index = decimals.next;
    } else break;
  }
  return number.empty ? null : { currency, digits: number.digits(), suffix: '', next: index };
}

/** Digits after a point: "one four", "twenty five" or "14". */
function readDecimals(words: readonly string[], start: number): Found {
  let text = '';
  let index = start;
  for (; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const known = WORDS.get(word);
    if (ZEROS.has(word)) text += '0';
    else if (/^\d+$/.test(word) && text === '') return { text: word, next: index + 1 };
    else if (known?.kind === 'small' && known.suffix === '') {
      // "twenty five" is 25, not 205.
      const ones = text.endsWith('0') && known.value < 10 && isTens(words[index - 1]) ? text.slice(0, -1) : text;
      text = ones + String(known.value);
    } else break;
  }
  return { text, next: index };
}

class GrowingNumber {
  /** What was read before and can't be added to any more. */
  #before = '';
  /** Thousands and above. */
  #total = 0n;
  /** Below a thousand; null where nothing has been read yet. */
  #group: number | null = null;
  #decimal: string | null = null;
  /** Whether a hundred or a scale was the last word, so that "and" may go on. */
  open = false;
  /** Whether it is one that was written in digits: then only a scale or a point goes on. */
  literal = false;
  pointed = false;

  get empty(): boolean {
    return this.#before === '' && this.#group === null && this.#total === 0n && this.#decimal === null;
  }

  takes(word: Word): boolean {
    if (word.kind === 'literal') return this.empty;
    if (word.kind === 'small') return !this.literal && !this.pointed;
    // "thousands" alone is 1000s, but a plural before a scale would be two numbers.
    return true;
  }

  take(word: Word): void {
    this.open = word.kind === 'hundred' || word.kind === 'scale';
    if (word.kind === 'literal') {
      this.#decimal = word.digits;
      this.literal = true;
      this.pointed = word.digits.includes('.');
    } else if (word.kind === 'small') this.#takeSmall(word.value);
    else if (this.#decimal !== null)
      this.#decimal = shiftPoint(this.#decimal, word.kind === 'hundred' ? 2 : word.zeros);
    else if (word.kind === 'hundred') this.#group = (this.#group ?? 1) * 100;
    else {
      const sum = this.#group === null && this.#total === 0n ? 1n : this.#total + BigInt(this.#group ?? 0);
      const scale = 10n ** BigInt(word.zeros);
      // "two million three thousand" adds, "two thousand million" multiplies.
      this.#total = this.#total >= scale ? this.#total + BigInt(this.#group ?? 1) * scale : sum * scale;
      this.#group = null;
    }
  }

  #takeSmall(value: number): void {
    const group = this.#group;
    if (group === null) this.#group = value;
    else if (fits(group, value)) this.#group = group + value;
    else {
      this.append('');
      this.#group = value;
    }
  }

  /** Digits that are read one by one. */
  append(digits: string): void {
    this.#before = this.digits() + digits;
    this.#group = null;
    this.#total = 0n;
    this.open = false;
  }

  point(decimals: string): void {
    this.#decimal = `${this.digits()}.${decimals}`;
    this.pointed = true;
    this.open = false;
  }

  digits(): string {
    if (this.#decimal !== null) return this.#decimal;
    if (this.#group === null && this.#total === 0n) return this.#before;
    return this.#before + String(this.#total + BigInt(this.#group ?? 0));
  }
}

/** Whether a number below a hundred can be said after a group: a one after tens, either after hundreds. */
function fits(group: number, value: number): boolean {
  const rest = group % 100;
  return rest === 0 ? group >= 100 : value < 10 && rest >= 20 && rest % 10 === 0;
}

function goesOn(word: string): boolean {
  const known = WORDS.get(word);
  return known !== undefined && known.kind === 'small';
}

function isTens(word: string | undefined): boolean {
  return TENS.includes(word ?? '');
}

function isDigit(word: string): boolean {
  return ZEROS.has(word) || ONES.includes(word);
}

function digitOf(word: string): string {
  return String(ONES.indexOf(word) + 1);
}

function readLiteral(word: string): Word | null {
  const [, sign, digits, suffix = ''] = /^([$£€¢]?)(\d+(?:\.\d+)?)(st|nd|rd|th|s|%)?$/.exec(word) ?? [];
  return sign === undefined || digits === undefined ? null : { kind: 'literal', sign, digits, suffix };
}

/** Moves the point of a decimal number to the right, exactly. */
function shiftPoint(decimal: string, places: number): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  const digits = (whole + fraction.padEnd(places, '0')).replace(/^0+(?=\d)/, '');
  const extra = fraction.slice(places);
  if (extra === '') return digits;
  return `${digits.slice(0, -extra.length)}.${extra}`;
}

/** "$2 and ¢70" is $2.70, and $0.36 is ¢36. */
function joinCents(words: readonly string[]): string[] {
  return words
    .join(' ')
    .replace(
      /([$£€])(\d+) (?:and )?¢(\d{1,2})(?!\S)/g,
      (_, sign: string, whole: string, cents: string) => `${sign}${whole}.${cents.padStart(2, '0')}`,
    )
    .replace(/[$£€]0\.(\d\d)(?!\S)/g, (_, cents: string) => `¢${Number(cents)}`)
    .split(' ');
}

function numberWords(): Map<string, Word> {
  const table = new Map<string, Word>();
  const add = (name: string, ordinal: string, word: (suffix: string) => Word, ordinalSuffix: string): void => {
    table.set(name, word(''));
    table.set(ordinal, word(ordinalSuffix));
    table.set(plural(name), word('s'));
  };
  const smallNumbers = [
    ...[...ONES, ...TEENS].map((name, index) => [name, index + 1] as const),
    ...TENS.map((name, index) => [name, (index + 2) * 10] as const),
  ];
  for (const [name, value] of smallNumbers) {
    add(name, ordinalOf(name), (suffix) => ({ kind: 'small', value, suffix }), ordinalSuffix(value));
  }
  add('hundred', 'hundredth', (suffix) => ({ kind: 'hundred', suffix }), 'th');
  for (const [index, name] of SCALES.entries()) {
    add(name, `${name}th`, (suffix) => ({ kind: 'scale', zeros: (index + 1) * 3, suffix }), 'th');
  }
  return table;
}

function ordinalOf(name: string): string {
  return IRREGULAR_ORDINALS[name] ?? (name.endsWith('y') ? `${name.slice(0, -1)}ieth` : `${name}th`);
}

function ordinalSuffix(value: number): string {
  return ['', 'st', 'nd', 'rd'][value] ?? 'th';
}

function plural(name: string): string {
  if (name.endsWith('y')) return `${name.slice(0, -1)}ies`;
  return name.endsWith('x') ? `${name}es` : `${name}s`;
}
