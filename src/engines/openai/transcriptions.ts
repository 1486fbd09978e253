/** `POST /audio/transcriptions`. */
import type { EngineSegment } from '../contract.ts';
import { countMember, listMember, member, stringMember } from '../foreign-json.ts';
import type { Vendor } from '../remote-engine.ts';
import { toWav } from '../wav.ts';
import { openAiFailure } from './errors.ts';

export interface TranscriptionsOptions {
  readonly modelName: string;
  readonly languages: readonly string[] | null;
  readonly prompt: boolean;
  readonly timestamps: boolean;
}

export function createTranscriptions(options: TranscriptionsOptions): Vendor {
  const { modelName, languages, timestamps } = options;
  return {
    path: '/audio/transcriptions',
    body(samples, { language, prompt }) {
      const form = new FormData();
      form.set('model', modelName);
      form.set('response_format', timestamps ? 'verbose_json' : 'json');
      form.set('temperature', '0');
      if (timestamps) form.set('timestamp_granularities[]', 'segment');
      if (language !== undefined && (languages?.includes(language) ?? true)) form.set('language', language);
      if (options.prompt && prompt !== undefined && prompt !== '') form.set('prompt', prompt);
      form.set('file', new Blob([toWav(samples)], { type: 'audio/wav' }), 'piece.wav');
      return form;
    },
    failure: openAiFailure,
    text(body, seconds) {
      const text = stringMember(body, 'text');
      if (text === undefined) return null;
      // Some count tokens, some seconds of audio.
      const outputTokens = countMember(member(body, 'usage'), 'output_tokens');
      const segments = timestamps ? readSegments(body, seconds) : undefined;
      return {
        text: text.trim(),
        ...(outputTokens === undefined ? {} : { outputTokens }),
        ...(segments === undefined ? {} : { segments }),
      };
    },
  };
}

/** Undefined where a segment is not what it should be: wrong times are worse than none. */
function readSegments(body: unknown, seconds: number): EngineSegment[] | undefined {
  const segments: EngineSegment[] = [];
  let earliest = 0;
  for (const found of listMember(body, 'segments') ?? [undefined]) {
    const [start, end, text] = [member(found, 'start'), member(found, 'end'), stringMember(found, 'text')?.trim()];
    if (typeof start !== 'number' || typeof end !== 'number' || text === undefined) return undefined;
    if (!(start >= earliest && end >= start)) return undefined;
    // Whisper fills its piece up to 30 seconds with silence, and may end a segment in there.
    const segment = { start: Math.min(start, seconds), end: Math.min(end, seconds), text };
    if (text !== '') segments.push(segment);
    earliest = start;
  }
  return segments;
}
