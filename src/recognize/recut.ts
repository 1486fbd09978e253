/** Other cuts for a piece whose text can hardly be right. Pure. */
import { levelsOf } from '../audio/levels.ts';
import { quietestPoint } from '../audio/segment.ts';
import { SAMPLE_RATE_HZ, type Piece } from '../core/pcm.ts';

/** Parts longer than this are cut again: an engine that loses its way does so in long pieces. */
const PART_SAMPLES_MAX = 12 * SAMPLE_RATE_HZ;
/** No part is shorter. */
const PART_SAMPLES_MIN = SAMPLE_RATE_HZ;
/** Silence around speech that is so short makes no difference. */
const TRIMMED_SAMPLES_MIN = 0.05 * SAMPLE_RATE_HZ;

/**
 * The piece in two or more parts, cut in its best pauses or else where it is quietest; a piece too short for that without
 * the silence around its speech. Empty where there is nothing to cut.
 */
export function recut(piece: Piece, samples: Float32Array): Piece[] {
  const parts = cutInTwo(piece, samples, piece.start);
  if (parts !== null) return parts;
  const [first, last] = [piece.speech[0], piece.speech.at(-1)];
  if (first === undefined || last === undefined) return [];
  const trimmed = { ...piece, start: Math.max(piece.start, first.start), end: Math.min(piece.end, last.end) };
  return lengthOf(piece) - lengthOf(trimmed) >= TRIMMED_SAMPLES_MIN ? [trimmed] : [];
}

function cutInTwo(piece: Piece, samples: Float32Array, offset: number): Piece[] | null {
  if (lengthOf(piece) < 2 * PART_SAMPLES_MIN) return null;
  const pause = bestPause(piece);
  const at = pause ?? quietestInMiddle(piece, samples, offset);
  const [first, second] = [
    { start: piece.start, end: at, forcedEnd: pause === null, speech: speechWithin(piece, piece.start, at) },
    { start: at, end: piece.end, forcedEnd: piece.forcedEnd, speech: speechWithin(piece, at, piece.end) },
  ];
  return [first, second].flatMap((part) =>
    lengthOf(part) > PART_SAMPLES_MAX ? (cutInTwo(part, samples, offset) ?? [part]) : [part],
  );
}

/** The middle of the pause that is longest and leaves the two parts most alike; null without one. */
function bestPause({ start, end, speech }: Piece): number | null {
  let best: number | null = null;
  let mostWorth = 0;
  for (const [index, region] of speech.slice(1).entries()) {
    const pauseStart = speech[index]?.end ?? start;
    const at = Math.floor((pauseStart + region.start) / 2);
    const shorter = Math.min(at - start, end - at);
    const worth = (region.start - pauseStart) * shorter;
    if (shorter < PART_SAMPLES_MIN || worth <= mostWorth) continue;
    best = at;
    mostWorth = worth;
  }
  return best;
}

function quietestInMiddle(piece: Piece, samples: Float32Array, offset: number): number {
  const own = samples.subarray(piece.start - offset, piece.end - offset);
  return piece.start + quietestPoint({ levelsDb: levelsOf(own) }, own.length / 4, (own.length * 3) / 4);
}

function speechWithin({ speech }: Piece, from: number, to: number): Piece['speech'] {
  return speech
    .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end, to) }))
    .filter(({ start, end }) => start < end);
}

function lengthOf({ start, end }: Pick<Piece, 'start' | 'end'>): number {
  return end - start;
}
