/**
 * Cuts a recording into pieces that an engine can take: speech is packed into pieces of about 20 to 28 seconds that begin
 * and end in pauses, and long pauses are left out. Pure: probabilities and options in, offsets out.
 */
import { FRAME_SAMPLES, SAMPLE_RATE_HZ, type Piece, type SpeechFrames, type SpeechRegion } from '../core/pcm.ts';

export interface SegmentOptions {
  /** The longest piece that the engine takes, in seconds, its padding included. */
  readonly pieceSecondsMax: number;
  /** The length in seconds from which on shorter and shorter pauses end a piece; default 20/28 of the longest. */
  readonly pieceSecondsWanted?: number;
  /** A pause in seconds that ends a piece however short it is, since that much silence is not worth sending; default 2. */
  readonly pauseSecondsLong?: number;
  /** Seconds of audio before and after speech that go with it, as far as no neighbour needs them; default 0.25. */
  readonly paddingSeconds?: number;
  /** Probability at which speech begins; default 0.5. */
  readonly onsetProbability?: number;
  /** Probability below which speech ends: lower, so that it does not flicker within words; default 0.35. */
  readonly offsetProbability?: number;
  /** Speech shorter than this many seconds is taken for a noise; default 0.096. */
  readonly speechSecondsMin?: number;
  /** Pauses shorter than this many seconds are within words and no place for a cut; default 0.096. */
  readonly pauseSecondsMin?: number;
}

const SECONDS_WANTED_SHARE = 20 / 28;
/** Frames over which the level is averaged where a cut has to go through speech. */
const QUIET_FRAMES = 3;

/** The pieces in order; none where there is no speech. Every speech region lies in exactly one, unless it is longer than one. */
export function segment(frames: SpeechFrames, sampleCount: number, options: SegmentOptions): Piece[] {
  const { pieceSecondsMax, paddingSeconds = 0.25, pauseSecondsLong = 2 } = options;
  const padding = Math.floor(Math.min(paddingSeconds, pieceSecondsMax / 8) * SAMPLE_RATE_HZ);
  const spanMax = Math.floor(pieceSecondsMax * SAMPLE_RATE_HZ) - 2 * padding;
  const wanted = options.pieceSecondsWanted ?? pieceSecondsMax * SECONDS_WANTED_SHARE;
  const spanWanted = Math.min(spanMax, Math.floor(wanted * SAMPLE_RATE_HZ));
  const pauseLong = pauseSecondsLong * SAMPLE_RATE_HZ;
  const spans: Span[] = [];
  let open: SpeechRegion[] = [];
  for (const region of speechRegions(frames, sampleCount, options)) {
    let rest = region;
    const last = open.at(-1);
    if (last !== undefined && rest.start - last.end >= pauseThatEnds(spanOf(open), spanWanted, spanMax, pauseLong)) {
      spans.push(spanOfAll(open));
      open = [];
    }
    while (lengthOf(spanOf([...open, rest])) > spanMax) {
      if (open.length === 0) {
        const end = quietestPoint(
          frames,
          rest.start + Math.min(spanWanted, spanMax - FRAME_SAMPLES),
          rest.start + spanMax,
        );
        spans.push({ start: rest.start, end, forcedEnd: true, speech: [{ start: rest.start, end }] });
        rest = { start: end, end: rest.end };
      } else {
        const count = regionsBeforeBestPause([...open, rest], spanWanted);
        spans.push(spanOfAll(open.slice(0, count)));
        open = open.slice(count);
      }
    }
    open.push(rest);
  }
  if (open.length > 0) spans.push(spanOfAll(open));
  return padded(spans, padding, sampleCount);
}

/** Where speech is, by probabilities with hysteresis; regions are in order, and at least the shortest pause lies between two. */
export function speechRegions(
  frames: SpeechFrames,
  sampleCount: number,
  options: Omit<SegmentOptions, 'pieceSecondsMax'> = {},
): SpeechRegion[] {
  const {
    onsetProbability = 0.5,
    offsetProbability = 0.35,
    speechSecondsMin = 0.096,
    pauseSecondsMin = 0.096,
  } = options;
  const regions: SpeechRegion[] = [];
  let start: number | null = null;
  const close = (end: number): void => {
    const last = regions.at(-1);
    if (start === null || start >= end) return;
    if (last !== undefined && start - last.end < pauseSecondsMin * SAMPLE_RATE_HZ) {
      regions[regions.length - 1] = { start: last.start, end };
    } else {
      regions.push({ start, end });
    }
    start = null;
  };
  frames.probabilities.forEach((probability, frame) => {
    if (start === null && probability >= onsetProbability) start = frame * FRAME_SAMPLES;
    else if (start !== null && probability < offsetProbability) close(frame * FRAME_SAMPLES);
  });
  close(sampleCount);
  return regions.filter((region) => lengthOf(region) >= Math.min(sampleCount, speechSecondsMin * SAMPLE_RATE_HZ));
}

/** What of a piece is speech and the pauses within, before it is padded. */
type Span = Piece;

function spanOfAll(speech: readonly SpeechRegion[]): Span {
  return { ...spanOf(speech), forcedEnd: false, speech };
}

function spanOf(regions: readonly SpeechRegion[]): SpeechRegion {
  return { start: regions[0]?.start ?? 0, end: regions.at(-1)?.end ?? 0 };
}

function lengthOf({ start, end }: SpeechRegion): number {
  return end - start;
}

/** The pause that ends a piece, in samples: long at first, then the shorter the nearer the piece is to its limit. */
function pauseThatEnds(span: SpeechRegion, spanWanted: number, spanMax: number, pauseLong: number): number {
  const grown = lengthOf(span);
  if (grown < spanWanted) return pauseLong;
  return (pauseLong / 2) * Math.max(0, (spanMax - grown) / Math.max(1, spanMax - spanWanted));
}

/**
 * How many regions go into a piece that has to end before the last of them: up to the longest pause at which the piece is
 * as long as wanted. Where there is none, an earlier one will do, but is worth less the shorter it leaves the piece.
 */
function regionsBeforeBestPause(regions: readonly SpeechRegion[], spanWanted: number): number {
  const start = regions[0]?.start ?? 0;
  const worths = regions.slice(1).map((region, index) => {
    const end = regions[index]?.end ?? 0;
    const share = Math.min(1, (end - start) / spanWanted);
    return { isWanted: share === 1, worth: (region.start - end) * share };
  });
  const isAnyWanted = worths.some(({ isWanted }) => isWanted);
  const candidates = worths.map(({ isWanted, worth }) => (isWanted || !isAnyWanted ? worth : -1));
  return candidates.lastIndexOf(Math.max(...candidates)) + 1;
}

/** The border between two frames from `from` to `to` around which it is quietest. */
export function quietestPoint({ levelsDb }: Pick<SpeechFrames, 'levelsDb'>, from: number, to: number): number {
  const first = Math.ceil(from / FRAME_SAMPLES);
  const last = Math.floor(to / FRAME_SAMPLES);
  let quietest = last;
  let quietestDb = Infinity;
  for (let frame = first; frame <= last; frame += 1) {
    const around = levelsDb.subarray(Math.max(0, frame - QUIET_FRAMES), frame + QUIET_FRAMES);
    const levelDb = around.reduce((sum, value) => sum + value, 0) / around.length;
    if (levelDb > quietestDb) continue;
    quietest = frame;
    quietestDb = levelDb;
  }
  return quietest * FRAME_SAMPLES;
}

/** Widens each span into the pause around it, to the middle at most; where speech was cut there is none. */
function padded(spans: readonly Span[], padding: number, sampleCount: number): Piece[] {
  return spans.map(({ start, end, ...rest }, index) => {
    const before = spans[index - 1];
    const after = spans[index + 1];
    const roomBefore = before === undefined ? start : Math.floor((start - before.end) / 2);
    const roomAfter = after === undefined ? sampleCount - end : Math.floor((after.start - end) / 2);
    return {
      start: start - Math.min(padding, roomBefore),
      end: end + Math.min(padding, roomAfter),
      ...rest,
    };
  });
}
