/** From the instruction to tokens, and from tokens to text. */
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { FilesError } from './files-error.ts';

export interface GlmTokenizer {
  /** The tokens before the audio's embeddings. */
  readonly before: readonly number[];
  /** The tokens after them, up to where the model begins to write. */
  after(instruction: string): readonly number[];
  /** Tokens that a text is made of, without any around it. */
  encode(text: string): readonly number[];
  /** Without a character of which only a part has come. */
  decode(tokens: readonly number[]): string;
}

/** The line breaks are part of what the model was trained with, as is the second `<|user|>`. */
const BEFORE = '<|user|>\n<|begin_of_audio|>';
const AFTER = '<|end_of_audio|><|user|>\n';
const ANSWER = '<|assistant|>\n';
/** What is left of a character whose other bytes were in tokens that did not come any more. */
const BROKEN_END = /\uFFFD+$/;
const NEEDED = ['<|user|>', '<|assistant|>', '<|begin_of_audio|>', '<|end_of_audio|>'];

/** @param path of a `tokenizer.json`. */
export function loadTokenizer(path: string): GlmTokenizer {
  const tokenizer = new Tokenizer(parse(path), {});
  const missing = NEEDED.filter((token) => tokenizer.token_to_id(token) === undefined);
  if (missing.length > 0) throw new FilesError(`${path} has no ${missing.join(', ')}: it is not this model's.`);
  const encode = (text: string): readonly number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
  return {
    before: encode(BEFORE),
    after: (instruction) => encode(`${AFTER}${instruction}${ANSWER}`),
    encode,
    decode(tokens) {
      // The library takes no empty list.
      if (tokens.length === 0) return '';
      const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
      return tokenizer.decode([...tokens], options).replace(BROKEN_END, '');
    },
  };
}

function parse(path: string): object {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as object;
  } catch (error) {
    throw new FilesError(`${path} cannot be read as JSON.`, { cause: error });
  }
}
