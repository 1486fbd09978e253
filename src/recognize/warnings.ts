import { SAMPLE_RATE_HZ, type Damage } from '../core/pcm.ts';
import type { Warning } from '../core/transcript.ts';
import type { Hints } from '../engines/contract.ts';
import type { Selection } from '../engines/registry.ts';

/** What the caller should know about the engine that answers: that it stands in, and which hints it cannot use. */
export function warningsFor(selection: Selection, hints: Hints): Warning[] {
  const { model, engine, standIn } = selection;
  const { languages, prompt, hotwords } = engine.capabilities;
  const warnings: Warning[] = [];
  if (standIn) {
    warnings.push({
      code: 'stand_in_engine',
      message: `No engine for ${model.id} is configured here, so the engine ${engine.id} answered instead.`,
      param: 'model',
    });
  }
  if (hints.language !== undefined && languages !== null && !languages.includes(hints.language)) {
    warnings.push({
      code: 'language_not_supported',
      message: `The engine ${engine.id} does not know this language. It knows: ${languages.join(', ')}.`,
      param: 'inputs.language',
    });
  }
  if (hints.prompt !== undefined && hints.prompt !== '' && !prompt) {
    warnings.push({
      code: 'prompt_not_supported',
      message: `The engine ${engine.id} takes no prompt, so it was left out.`,
      param: 'inputs.prompt',
    });
  }
  if (hints.hotwords !== undefined && hints.hotwords.length > 0 && !hotwords) {
    warnings.push({
      code: 'hotwords_not_supported',
      message: `The engine ${engine.id} takes no hotwords, so they were left out.`,
      param: 'inputs.hotwords',
    });
  }
  return warnings;
}

/** That a part of the audio is missing in the text because it is missing in the file. */
export function warningOfDamage({ start, end }: Damage): Warning {
  return {
    code: 'audio_damaged',
    message: 'A part of the audio is damaged or cut off and could not be decoded, so its text is missing.',
    param: 'inputs.audio',
    start: start / SAMPLE_RATE_HZ,
    end: end / SAMPLE_RATE_HZ,
  };
}
