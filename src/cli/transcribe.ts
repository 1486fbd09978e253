import type { Decoder } from '../audio/decode/decode.ts';
import type { AudioOpener, AudioSource } from '../audio/open.ts';
import { segment } from '../audio/segment.ts';
import { worstCase } from '../billing/meter.ts';
import type { Recognizer } from '../recognize/recognize.ts';
import { EXIT, JSON_OPTION, type Command } from './command.ts';
import { readChoice } from './read-values.ts';

/** What the flow needs besides money and keys. */
export interface Ears extends AsyncDisposable {
  readonly opener: AudioOpener;
  readonly decoder: Decoder;
  readonly recognizer: Recognizer;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export function transcribeCommand(open: () => Promise<Ears>): Command {
  return {
    name: 'transcribe',
    summary: 'Transcribes a file or a URL: no server, no key, no charge.',
    positional: 'FILE|URL',
    options: {
      model: { value: 'MODEL', help: 'the model; default glm/glm-asr-2512' },
      format: { value: 'FORMAT', help: 'json or text; default json' },
      json: JSON_OPTION,
    },
    example: 'earshot transcribe talk.mp3 --format text',
    async run(input, terminal) {
      const format = input.flag('json') ? 'json' : readChoice(input, 'format', ['json', 'text']);
      await using ears = await open();
      const { opener, decoder, recognizer, signal } = ears;
      const selection = recognizer.select(input.option('model') ?? 'glm/glm-asr-2512');
      await using source = await opener.open(sourceOf(input.positionals[0] ?? ''), signal);
      await using recording = await decoder.decode(source, signal);
      const pieces = segment(recording.frames, recording.sampleCount, {
        pieceSecondsMax: selection.engine.capabilities.pieceSecondsMax,
      });
      using place = recognizer.enter(pieces);
      const seconds = recording.durationMs / 1000;
      // Nothing is charged here; the bound stops an engine that has lost its way.
      const { outputTokens: outputTokensMax } = worstCase(recording.durationMs, selection.model.audioTokensPerMinute);
      const transcript = await recognizer.recognize(
        { selection, pcm: recording, pieces, hints: {}, outputTokensMax, place },
        signal,
      );
      const { text, engine, engines, warnings } = transcript;
      if (format === 'text') terminal.out(text);
      else
        terminal.out(
          JSON.stringify({ text, model: selection.model.id, engine, engines, duration_seconds: seconds, warnings }),
        );
      return EXIT.ok;
    },
  };
}

function sourceOf(name: string): AudioSource {
  return /^https?:/i.test(name) ? { kind: 'url', url: name } : { kind: 'file', path: name };
}
