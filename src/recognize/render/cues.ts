/** Segments become subtitle cues: at most two lines that fit on a screen, for as long as they can be read. Pure. */
import type { TranscriptSegment } from '../../core/transcript.ts';
import { breaksOf, dividedInto } from '../clauses.ts';
import { lettersOf } from '../letters.ts';

/** Columns of a line; a wide character takes two. */
export const LINE_COLUMNS_MAX = 42;
const LINES_MAX = 2;
const CUE_SECONDS_MAX = 7;
const MS_PER_SECOND = 1000;

/** Times in whole milliseconds; `startMs` < `endMs`, and no cue reaches into the next. */
export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  /** One or two, none empty. */
  readonly lines: readonly string[];
}

/** Characters that take no column, or two (Unicode, East Asian Width W and F, and emoji). */
const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
const WIDE =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18DFF}\u{1AFF0}-\u{1B2FF}\u{20000}-\u{3FFFD}\p{Emoji_Presentation}]/u;

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** A segment that is too long for one cue goes into several, which share its time by their letters. */
export function cuesOf(segments: readonly TranscriptSegment[]): Cue[] {
  const cues: Cue[] = [];
  for (const segment of segments) {
    const text = segment.text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
    // Times are kept in order and above nothing, whatever the rounding.
    const startMs = Math.max(Math.round(segment.start * MS_PER_SECOND), cues.at(-1)?.endMs ?? 0);
    const parts = text === '' ? [] : partsOf(text, segment.end - segment.start);
    const endMs = Math.max(Math.round(segment.end * MS_PER_SECOND), startMs + parts.length);
    cues.push(...timed(parts, startMs, endMs));
  }
  return cues;
}

/** The lines of each cue: as few cues as the lines need, and as many as the time asks for where there are words for them. */
function partsOf(text: string, seconds: number): string[][] {
  const lines = linesOf(text);
  const fewest = Math.max(Math.ceil(lines.length / LINES_MAX), Math.ceil(seconds / CUE_SECONDS_MAX));
  for (let count = fewest; count <= Math.max(fewest, lines.length); count += 1) {
    const parts = dividedInto(text, count).map(linesOf);
    if (parts.every((part) => part.length <= LINES_MAX)) return parts;
  }
  return lines.map((line) => [line]);
}

/** Filled up word by word; a word that is wider than a line is broken. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  const breaks = [...breaksOf(text), text.length];
  let line = '';
  let start = 0;
  for (const at of breaks) {
    const word = text.slice(start, at);
    start = at;
    if (columnsOf((line + word).trimEnd()) <= LINE_COLUMNS_MAX) {
      line += word;
      continue;
    }
    if (line !== '') lines.push(line.trim());
    const pieces = brokenUp(word);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return [...lines, line.trim()].filter((filled) => filled !== '');
}

function brokenUp(word: string): string[] {
  const pieces = [''];
  for (const { segment } of graphemes.segment(word)) {
    const last = pieces.at(-1) ?? '';
    if (columnsOf((last + segment).trimEnd()) <= LINE_COLUMNS_MAX) pieces[pieces.length - 1] = last + segment;
    else pieces.push(segment);
  }
  return pieces.map((piece, index) => (index < pieces.length - 1 ? piece.trim() : piece));
}

function timed(parts: readonly string[][], startMs: number, endMs: number): Cue[] {
  const letters = parts.map((lines) => lettersOf(lines.join(' ')) + 1);
  const all = letters.reduce((sum, count) => sum + count, 0);
  // Each has its millisecond, and the rest is shared.
  const freeMs = endMs - startMs - parts.length;
  let spoken = 0;
  let start = startMs;
  return parts.map((lines, index) => {
    spoken += letters[index] ?? 0;
    const end = startMs + index + 1 + Math.round((freeMs * spoken) / all);
    const cue = { startMs: start, endMs: Math.min(end, start + CUE_SECONDS_MAX * MS_PER_SECOND), lines };
    start = end;
    return cue;
  });
}

/** How many columns a string takes where East Asian characters take two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (!NO_COLUMN.test(segment)) columns += WIDE.test(segment) ? 2 : 1;
  }
  return columns;
}
