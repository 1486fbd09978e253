/** What the model is told to do with the audio. */
import type { Hints } from '../contract.ts';

/** The sentence that the model was trained with. */
const INSTRUCTION = 'Please transcribe this audio into text';

/** Of an earlier text the end is nearest to what comes; more of it would cost more than it helps. */
const PROMPT_CHARACTERS_MAX = 1_000;
const HOTWORDS_CHARACTERS_MAX = 1_000;

/** What the tokenizer would take for an order to the model, such as `<|user|>`. */
const SPECIAL = /<\|[^|>]*\|>/g;

/** The open model has no trained form for hints: they are added in plain words. */
export function instructionFor({ language, prompt, hotwords }: Hints): string {
  const sentences = [INSTRUCTION];
  if (language !== undefined) sentences.push(`The language is ${languageName(language)}`);
  const words = (hotwords ?? [])
    .map(plain)
    .filter((word) => word !== '')
    .join(', ')
    .slice(0, HOTWORDS_CHARACTERS_MAX);
  if (words !== '') sentences.push(`These words may occur: ${words}`);
  const earlier = plain(prompt ?? '').slice(-PROMPT_CHARACTERS_MAX);
  if (earlier !== '') sentences.push(`The text before it: ${earlier}`);
  return sentences.join('. ');
}

function plain(text: string): string {
  return text.replace(SPECIAL, ' ').replace(/\s+/g, ' ').trim();
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames('en', { type: 'language' }).of(code) ?? code;
  } catch {
    return plain(code);
  }
}
