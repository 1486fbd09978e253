import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SAMPLE_RATE_HZ, type Piece } from '../core/pcm.ts';
import { recut } from './recut.ts';

const SECOND = SAMPLE_RATE_HZ;

function pieceOf(start: number, end: number, ...speech: [number, number][]): Piece {
  const regions = speech.map(([from, to]) => ({ start: from * SECOND, end: to * SECOND }));
  return { start: start * SECOND, end: end * SECOND, forcedEnd: true, speech: regions };
}

const loud = (piece: Piece): Float32Array => new Float32Array(piece.end - piece.start).fill(0.3);

test('a piece is cut in its best pause, and each part knows its speech', () => {
  const piece = pieceOf(10, 18, [10.25, 11.5], [11.75, 14], [14.5, 17.75]);
  assert.deepEqual(recut(piece, loud(piece)), [
    { ...pieceOf(10, 14.25, [10.25, 11.5], [11.75, 14]), forcedEnd: false },
    pieceOf(14.25, 18, [14.5, 17.75]),
  ]);
});

test('without a pause it is cut where it is quietest, and the part says so', () => {
  const piece = pieceOf(5, 11, [5, 11]);
  const samples = loud(piece);
  samples.fill(0.01, 2 * SECOND, 2.2 * SECOND);
  const [first, second, ...others] = recut(piece, samples);
  assert.deepEqual(others, []);
  assert.ok(first !== undefined && second !== undefined);
  assert.ok(first.end > 7 * SECOND && first.end < 7.2 * SECOND, String(first.end / SECOND));
  assert.deepEqual([first.forcedEnd, second.forcedEnd, second.start], [true, true, first.end]);
});

test('of a piece too short to cut, the silence around its speech goes', () => {
  assert.deepEqual(recut(pieceOf(1, 2.5, [1.25, 2.25]), new Float32Array(1.5 * SECOND)), [
    pieceOf(1.25, 2.25, [1.25, 2.25]),
  ]);
  assert.deepEqual(recut(pieceOf(1, 2, [1, 2]), new Float32Array(SECOND)), []);
});

test('the parts are the piece: in order, without a gap, none longer than twelve seconds or shorter than one', () => {
  const lengths = fc.array(fc.integer({ min: 2_000, max: 60_000 }), { minLength: 1, maxLength: 13 });
  const check = (stretches: readonly number[]): void => {
    let at = 7 * SECOND;
    const speech: { start: number; end: number }[] = [];
    for (const [index, length] of stretches.entries()) {
      if (index % 2 === 0) speech.push({ start: at, end: at + length });
      at += length;
    }
    const piece = { start: 7 * SECOND, end: at, forcedEnd: false, speech };
    const parts = recut(
      piece,
      Float32Array.from({ length: at - piece.start }, (_, index) => Math.sin(index)),
    );
    if (piece.end - piece.start < 2 * SECOND) return;
    assert.ok(parts.length >= 2);
    assert.deepEqual([parts[0]?.start, parts.at(-1)?.end, parts.at(-1)?.forcedEnd], [piece.start, piece.end, false]);
    parts.slice(1).forEach(({ start }, index) => assert.equal(start, parts[index]?.end));
    for (const { start, end } of parts)
      assert.ok(end - start >= SECOND / 2 && end - start <= 12 * SECOND, `${(end - start) / SECOND} s`);
    const samplesOf = (regions: Piece['speech']): number =>
      regions.reduce((sum, { start, end }) => sum + end - start, 0);
    assert.equal(samplesOf(parts.flatMap((part) => part.speech)), samplesOf(speech));
  };
  fc.assert(fc.property(lengths, check), { seed: 10, numRuns: 300 });
});
