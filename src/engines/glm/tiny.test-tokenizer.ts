/** A small byte-level tokenizer in the form of the model's own: every byte, some merges, and the special tokens. */

const SPECIAL = [
  '<|endoftext|>',
  '<|system|>',
  '<|user|>',
  '<|assistant|>',
  '<|observation|>',
  '<|pad|>',
  '<|begin_of_audio|>',
  '<|end_of_audio|>',
];

const PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

export interface TinyTokenizer {
  /** What `tokenizer.json` holds. */
  readonly json: object;
  readonly vocabularySize: number;
  /** The id of a special token, or of a text that is one of `whole`. */
  idOf(text: string): number;
}

/**
 * @param merged texts whose commonest pairs become tokens, as in training.
 * @param whole texts that each become one token by themselves; none is merged from others, so they come out, not in.
 */
export function tinyTokenizer(
  merged: readonly string[],
  mergeCount: number,
  whole: readonly string[] = [],
): TinyTokenizer {
  const letters = byteLetters();
  const spelled = (text: string): string[] => [...Buffer.from(text, 'utf8')].map((byte) => letters[byte] ?? '');
  const { tokens, merges } = trainMerges(merged.map(spelled), mergeCount);
  const all = [...new Set([...letters, ...tokens, ...whole.map((text) => spelled(text).join(''))])];
  const vocabulary = Object.fromEntries(all.map((token, id) => [token, id]));
  const added = SPECIAL.map((content, index) => ({
    id: all.length + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  return {
    vocabularySize: all.length + SPECIAL.length,
    idOf: (text) => {
      const special = SPECIAL.indexOf(text);
      return special >= 0 ? all.length + special : (vocabulary[spelled(text).join('')] ?? -1);
    },
    json: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: PATTERN }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: vocabulary,
        merges,
      },
    },
  };
}

/** The commonest neighbours become one token, again and again. */
function trainMerges(words: readonly string[][], count: number): { tokens: string[]; merges: [string, string][] } {
  const merges: [string, string][] = [];
  let texts = words;
  for (let round = 0; round < count; round += 1) {
    const counts = new Map<string, number>();
    for (const text of texts)
      for (let index = 1; index < text.length; index += 1) {
        const pair = `${text[index - 1]} ${text[index]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const [best] = [...counts].toSorted(([, one], [, other]) => other - one)[0] ?? [''];
    const [left = '', right = ''] = best.split(' ');
    if (right === '') break;
    merges.push([left, right]);
    texts = texts.map((text) => merge(text, left, right));
  }
  return { tokens: merges.map((pair) => pair.join('')), merges };
}

function merge(text: readonly string[], left: string, right: string): string[] {
  const merged: string[] = [];
  for (const letter of text) {
    if (letter === right && merged.at(-1) === left) merged.splice(-1, 1, left + right);
    else merged.push(letter);
  }
  return merged;
}

/** The letter that stands for each byte: itself where it can be seen, else one from 256 on. */
function byteLetters(): string[] {
  const visible = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(visible(byte) ? byte : next++));
}
