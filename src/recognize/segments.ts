/** Lays the text of pieces onto their time. Pure. */
import { SAMPLE_RATE_HZ, type Piece, type SpeechRegion } from '../core/pcm.ts';
import type { TranscriptSegment } from '../core/transcript.ts';
import type { EngineSegment } from '../engines/contract.ts';
import { breaksOf, clausesOf } from './clauses.ts';
import type { Heard } from './hear.ts';
import { separator } from './join.ts';
import { lettersOf } from './letters.ts';

export interface Timing {
  /** In order of time, none reaching into another; joined by the rule of `joinTexts` their texts are the whole text. */
  readonly segments: readonly TranscriptSegment[];
  /** Whether some of the times come from where speech was found, since the engine gave none. */
  readonly fromSpeechRegions: boolean;
}

/** A border between two parts of a text moves into a pause that is so near. */
const SNAP_SAMPLES = 0.6 * SAMPLE_RATE_HZ;
const MS_PER_SECOND = 1000;

/** A stretch of a piece in samples, with its text. */
interface Stretch extends SpeechRegion {
  readonly text: string;
}

/** @param shares what each piece has of the whole text. */
export function segmentsOf(heard: readonly Pick<Heard, 'piece' | 'text'>[], shares: readonly string[]): Timing {
  let fromSpeechRegions = false;
  const stretches = heard.flatMap(({ piece, text: engineText }, index) => {
    const text = (shares[index] ?? '').trim();
    if (text === '') return [];
    const timed = fromEngine(piece, engineText.segments ?? [], text);
    fromSpeechRegions ||= timed === null;
    return timed ?? fromSpeech(piece, text);
  });
  return { segments: inMilliseconds(stretches), fromSpeechRegions };
}

/** The engine's own times; null where it gave none, or none that can be true. */
function fromEngine(piece: Piece, segments: readonly EngineSegment[], text: string): Stretch[] | null {
  const spoken = segments.filter((segment) => lettersOf(segment.text) > 0);
  const lastEnd = spoken.at(-1)?.end ?? 0;
  const areTrue = spoken.every(({ start, end }, index) => start < end && start >= (spoken[index - 1]?.end ?? 0));
  if (spoken.length === 0 || !areTrue || lastEnd > (piece.end - piece.start) / SAMPLE_RATE_HZ + 1) return null;
  const texts = dividedLike(
    text,
    spoken.map((segment) => segment.text),
  );
  return texts.flatMap((part, index) => {
    const { start = 0, end = 0 } = spoken[index] ?? {};
    const [first, last] = [start, end].map((seconds) => Math.min(piece.start + seconds * SAMPLE_RATE_HZ, piece.end));
    return part === '' || first === undefined || last === undefined ? [] : [{ start: first, end: last, text: part }];
  });
}

/**
 * The text in as many parts as the engine's, each ending where the engine's does. Joining may have taken words away at
 * the beginning and changed marks and capitals, so that letters are counted from the end; no word is divided.
 */
function dividedLike(text: string, engineTexts: readonly string[]): string[] {
  const breaks = breaksOf(text);
  let start = 0;
  return engineTexts.map((_, index) => {
    const lettersAfter = lettersOf(engineTexts.slice(index + 1).join(' '));
    const place = breaks.find((at) => at >= start && lettersOf(text.slice(at)) <= lettersAfter);
    const end = lettersAfter === 0 ? text.length : (place ?? text.length);
    const part = text.slice(start, end).trim();
    start = end;
    return part;
  });
}

/** Clauses laid onto the speech of the piece by their length; borders move into the nearest pause. */
function fromSpeech(piece: Piece, text: string): Stretch[] {
  const speech = piece.speech.length > 0 ? piece.speech : [{ start: piece.start, end: piece.end }];
  const clauses = clausesOf(text);
  const letters = clauses.map((clause) => lettersOf(clause) + 1);
  const lettersInAll = letters.reduce((sum, count) => sum + count, 0);
  const samples = speech.reduce((sum, { start, end }) => sum + end - start, 0);
  const last = speech.at(-1)?.end ?? piece.end;
  let spoken = 0;
  let start = speech[0]?.start ?? piece.start;
  return clauses.map((clause, index) => {
    spoken += letters[index] ?? 0;
    const isLast = index === clauses.length - 1;
    const border = isLast
      ? { endsAt: last, beginsAt: last }
      : borderAfter(speech, (samples * spoken) / lettersInAll, start);
    const stretch = { start, end: border.endsAt, text: clause };
    start = border.beginsAt;
    return stretch;
  });
}

/** Where one part of a text ends and where the next begins: in a pause they lie apart. */
interface Border {
  readonly endsAt: number;
  readonly beginsAt: number;
}

/** The border where so many samples of speech have passed, in the pause near it if there is one; not before `earliest`. */
function borderAfter(speech: readonly SpeechRegion[], passed: number, earliest: number): Border {
  let before = 0;
  let point = earliest;
  let pause: Border | null = null;
  let pauseDistance = SNAP_SAMPLES;
  for (const [index, region] of speech.entries()) {
    if (passed > before) point = Math.max(earliest, Math.min(region.start + passed - before, region.end));
    before += region.end - region.start;
    const next = speech[index + 1];
    const distance = Math.abs(before - passed);
    if (next === undefined || distance > pauseDistance || region.end <= earliest) continue;
    pause = { endsAt: region.end, beginsAt: next.start };
    pauseDistance = distance;
  }
  return pause ?? { endsAt: point, beginsAt: point };
}

/** To the millisecond; what comes out with no length goes with its neighbour, so that no text is lost. */
function inMilliseconds(stretches: readonly Stretch[]): TranscriptSegment[] {
  const segments: TranscriptSegment[] = [];
  let waiting = '';
  for (const { start, end, text } of stretches) {
    const last = segments.at(-1);
    const [startMs, endMs] = [start, end].map((samples) => Math.round((samples * MS_PER_SECOND) / SAMPLE_RATE_HZ));
    if (startMs === undefined || endMs === undefined) continue;
    const together = waiting + separator(waiting, text) + text;
    if (startMs < endMs) {
      segments.push({ start: startMs / MS_PER_SECOND, end: endMs / MS_PER_SECOND, text: together });
      waiting = '';
    } else if (last === undefined) waiting = together;
    else segments[segments.length - 1] = { ...last, text: last.text + separator(last.text, text) + text };
  }
  const [first] = stretches;
  if (waiting === '' || first === undefined) return segments;
  const seconds = Math.floor((first.start * MS_PER_SECOND) / SAMPLE_RATE_HZ) / MS_PER_SECOND;
  return [{ start: seconds, end: seconds, text: waiting }];
}
