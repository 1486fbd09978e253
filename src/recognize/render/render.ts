/** A transcript as the body of a reply or as a file. Lines end with a line feed alone, in every format. */
import { deflateSync } from 'node:zlib';
import type { Transcript, TranscriptSegment } from '../../core/transcript.ts';
import { cuesOf, type Cue } from './cues.ts';

export const FORMATS = ['json', 'text', 'srt', 'vtt', 'verbose_json'] as const;
export type Format = (typeof FORMATS)[number];

/** Formats that say when what is said. */
export const TIMED_FORMATS: ReadonlySet<Format> = new Set(['srt', 'vtt', 'verbose_json']);

export interface Rendering {
  readonly transcript: Pick<Transcript, 'text' | 'segments'>;
  readonly durationSeconds: number;
  /** ISO 639-1; null where nobody said. */
  readonly language: string | null;
  /** Further members of the JSON formats, such as `usage` and `warnings`. */
  readonly members: Readonly<Record<string, unknown>>;
}

export function render(format: Format, rendering: Rendering): string {
  const { text, segments = [] } = rendering.transcript;
  switch (format) {
    case 'json':
      return JSON.stringify({ text, ...rendering.members });
    case 'verbose_json':
      return JSON.stringify(verbose(rendering));
    case 'text':
      return text === '' ? '' : `${text}\n`;
    case 'srt':
      return cuesOf(segments).map(srtCue).join('\n');
    case 'vtt':
      return ['WEBVTT\n', ...cuesOf(segments).map(vttCue)].join('\n');
  }
}

/** OpenAI's shape. What no engine tells is 0 or empty there: `tokens`, `temperature`, `avg_logprob`, `no_speech_prob`. */
function verbose({ transcript: { text, segments = [] }, durationSeconds, language, members }: Rendering): object {
  return {
    task: 'transcribe',
    language: language === null ? null : nameOf(language),
    duration: durationSeconds,
    text,
    segments: segments.map((segment, id) => ({
      id,
      seek: Math.floor(segment.start * 100),
      start: segment.start,
      end: segment.end,
      text: segment.text,
      tokens: [],
      temperature: 0,
      avg_logprob: 0,
      compression_ratio: compressionRatio(segment),
      no_speech_prob: 0,
    })),
    ...members,
  };
}

/** As Whisper counts it: a loop shows by a high one. */
function compressionRatio({ text }: TranscriptSegment): number {
  const bytes = Buffer.from(text);
  return Math.round((bytes.length / deflateSync(bytes).length) * 1000) / 1000;
}

/** The language's English name in small letters, as OpenAI writes it. */
function nameOf(language: string): string {
  return (new Intl.DisplayNames('en', { type: 'language' }).of(language) ?? language).toLowerCase();
}

function srtCue({ startMs, endMs, lines }: Cue, index: number): string {
  // The format knows no escaping, and an arrow would be taken for times.
  const text = lines.map((line) => line.replaceAll('-->', '→')).join('\n');
  return `${index + 1}\n${timeOf(startMs, ',')} --> ${timeOf(endMs, ',')}\n${text}\n`;
}

function vttCue({ startMs, endMs, lines }: Cue): string {
  const text = lines.map((line) => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'));
  return `${timeOf(startMs, '.')} --> ${timeOf(endMs, '.')}\n${text.join('\n')}\n`;
}

/** Hours have two digits, or more where they need them. */
function timeOf(ms: number, point: string): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const clock = `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}`;
  return `${clock}${point}${String(ms % 1000).padStart(3, '0')}`;
}
