import { SAMPLE_RATE_HZ, type Damage } from '../core/pcm.ts';
import type { Warning } from '../core/transcript.ts';
import type { Engine, Hints } from '../engines/contract.ts';
import type { Selection } from '../engines/registry.ts';

/** What the caller should know about the engines that answer: that they stand in, and which hints one cannot use. */
export function warningsFor(selection: Selection, engines: readonly Engine[], hints: Hints): Warning[] {
  const standIns: Warning[] = engines
    .filter(() => selection.standIn)
    .map(({ id }) => ({
      code: 'stand_in_engine',
      message: `No engine for ${selection.model.id} is configured here, so the engine ${id} answered instead.`,
      param: 'model',
    }));
  return [...standIns, ...engines.flatMap((engine) => unusedHints(engine, hints))];
}

function unusedHints({ id, capabilities }: Engine, hints: Hints): Warning[] {
  const { languages, prompt, hotwords, hotwordsUntrained } = capabilities;
  const warnings: Warning[] = [];
  if (hints.language !== undefined && languages !== null && !languages.includes(hints.language)) {
    warnings.push({
      code: 'language_not_supported',
      message: `The engine ${id} does not know this language. It knows: ${languages.join(', ')}.`,
      param: 'inputs.language',
    });
  }
  if (hints.prompt !== undefined && hints.prompt !== '' && !prompt) {
    warnings.push({
      code: 'prompt_not_supported',
      message: `The engine ${id} takes no prompt, so it was left out.`,
      param: 'inputs.prompt',
    });
  }
  if (hints.hotwords !== undefined && hints.hotwords.length > 0 && hotwordsUntrained === true) {
    warnings.push({
      code: 'hotwords_untrained',
      message: `The engine ${id} was not trained for hotwords; they were put into its instruction.`,
      param: 'inputs.hotwords',
    });
  }
  if (hints.hotwords !== undefined && hints.hotwords.length > 0 && !hotwords) {
    warnings.push({
      code: 'hotwords_not_supported',
      message: `The engine ${id} takes no hotwords, so they were left out.`,
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

export const TIMESTAMPS_FROM_SPEECH_REGIONS: Warning = {
  code: 'timestamps_from_speech_regions',
  message: 'The engine gives no times for this text, so they come from where speech was found. They are approximate.',
  param: 'inputs.timestamps',
};
