import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAME_SAMPLES, SAMPLE_RATE_HZ, type Piece, type SpeechFrames } from '../core/pcm.ts';
import { segment, speechRegions } from './segment.ts';

const SECOND = SAMPLE_RATE_HZ;

/** Frames for stretches of speech and pauses in turn, the first of speech, in seconds. */
function speechAndPauses(...seconds: number[]): { frames: SpeechFrames; sampleCount: number } {
  const probabilities = seconds.flatMap((length, index) =>
    Array.from({ length: Math.round((length * SECOND) / FRAME_SAMPLES) }, () => (index % 2 === 0 ? 0.9 : 0.05)),
  );
  return {
    frames: {
      probabilities: Float32Array.from(probabilities),
      levelsDb: Float32Array.from(probabilities, (probability) => (probability > 0.5 ? -20 : -60)),
    },
    sampleCount: probabilities.length * FRAME_SAMPLES,
  };
}

function cut(...seconds: number[]): Piece[] {
  const { frames, sampleCount } = speechAndPauses(...seconds);
  return segment(frames, sampleCount, { pieceSecondsMax: 28 });
}

function secondsOf({ start, end }: Piece): number {
  return (end - start) / SECOND;
}

test('audio without speech gives no piece', () => {
  assert.deepEqual(cut(0, 30), []);
  assert.deepEqual(
    segment({ probabilities: new Float32Array(0), levelsDb: new Float32Array(0) }, 0, { pieceSecondsMax: 28 }),
    [],
  );
});

test('short speech is one piece with a little of the pause around it', () => {
  const [piece, ...others] = cut(0, 2, 5, 3);
  assert.deepEqual(others, []);
  assert.ok(piece !== undefined && Math.abs(secondsOf(piece) - 5.5) < 0.1);
});

test('a long pause is left out', () => {
  const pieces = cut(5, 4, 5);
  assert.equal(pieces.length, 2);
  assert.ok(pieces.every((piece) => secondsOf(piece) < 5.6));
});

test('sentences with short pauses are packed to between 20 and 28 seconds', () => {
  const pieces = cut(...Array.from({ length: 40 }, () => [3, 0.5]).flat());
  assert.ok(pieces.slice(0, -1).every((piece) => secondsOf(piece) >= 20 && secondsOf(piece) <= 28));
  assert.ok(pieces.every(({ forcedEnd }) => !forcedEnd));
});

test('the nearer a piece is to its limit, the shorter the pause that ends it', () => {
  // At 21 seconds a pause of 0.6 is too short to end the piece, at 26 it is long enough.
  const [first] = cut(21, 0.6, 4.4, 0.6, 10);
  assert.ok(first !== undefined && Math.abs(secondsOf(first) - 26.3) < 0.2, String(first && secondsOf(first)));
});

test('of several pauses the longest among the late ones is taken where a piece would grow too long', () => {
  const [first] = cut(10, 0.4, 11, 0.3, 3, 0.2, 20);
  assert.ok(first !== undefined && Math.abs(secondsOf(first) - 21.7) < 0.2, String(first && secondsOf(first)));
});

test('speech without any pause is cut at its quietest point, and the piece says so', () => {
  const { frames, sampleCount } = speechAndPauses(60);
  const quietFrame = Math.round((24 * SECOND) / FRAME_SAMPLES);
  frames.levelsDb.fill(-45, quietFrame - 3, quietFrame + 3);
  const pieces = segment(frames, sampleCount, { pieceSecondsMax: 28 });
  assert.ok(pieces.length >= 3);
  assert.deepEqual(
    pieces.map(({ forcedEnd }) => forcedEnd),
    [...pieces.slice(1).map(() => true), false],
  );
  assert.equal(pieces[0]?.end, quietFrame * FRAME_SAMPLES);
  assert.equal(pieces[1]?.start, pieces[0]?.end);
});

test('a single frame of speech is taken for a noise, and a flicker within speech does not end it', () => {
  assert.deepEqual(cut(0, 5, 0.04, 5), []);
  const { frames, sampleCount } = speechAndPauses(3, 0.07, 3);
  assert.equal(speechRegions(frames, sampleCount).length, 1);
  frames.probabilities.fill(0.4, 20, 80);
  assert.equal(speechRegions(frames, sampleCount).length, 1, 'between the two thresholds speech goes on');
});

const anyFrames = fc
  .array(
    fc.record({
      frameCount: fc.integer({ min: 1, max: 1500 }),
      probability: fc.double({ min: 0, max: 1, noNaN: true }),
      flicker: fc.double({ min: 0, max: 0.5, noNaN: true }),
    }),
    { maxLength: 25 },
  )
  .map((stretches) => {
    const probabilities = stretches.flatMap(({ frameCount, probability, flicker }, stretch) =>
      Array.from({ length: frameCount }, (_, index) =>
        Math.min(1, Math.max(0, probability + flicker * Math.sin(index * index + stretch))),
      ),
    );
    return {
      probabilities: Float32Array.from(probabilities),
      levelsDb: Float32Array.from(probabilities, (value, index) => -60 + 40 * value + 5 * Math.sin(index)),
    };
  });

test('every sample of speech lies in exactly one piece, no piece is too long, and all are in order within the recording', () => {
  const check = (frames: SpeechFrames, missing: number, pieceSecondsMax: number): void => {
    const sampleCount = Math.max(0, frames.probabilities.length * FRAME_SAMPLES - missing);
    const pieces = segment(frames, sampleCount, { pieceSecondsMax });
    let last = 0;
    for (const { start, end } of pieces) {
      assert.ok(Number.isInteger(start) && Number.isInteger(end));
      assert.ok(last <= start && start < end && end <= sampleCount, `${last} ${start} ${end} of ${sampleCount}`);
      assert.ok(end - start <= pieceSecondsMax * SECOND, `${(end - start) / SECOND} seconds`);
      last = end;
    }
    for (const region of speechRegions(frames, sampleCount)) {
      const covering = pieces.filter(({ start, end }) => start < region.end && end > region.start);
      assert.ok((covering[0]?.start ?? Infinity) <= region.start);
      assert.ok((covering.at(-1)?.end ?? 0) >= region.end);
      covering.slice(1).forEach(({ start }, index) => assert.equal(start, covering[index]?.end));
    }
  };
  fc.assert(fc.property(anyFrames, fc.integer({ min: 0, max: 511 }), fc.constantFrom(28, 30, 15, 6), check), {
    seed: 3,
    numRuns: 300,
  });
});

test('dense speech is packed into pieces of 20 to 28 seconds, and none is cut where there is a pause', () => {
  const sentence = fc.tuple(fc.double({ min: 1, max: 6, noNaN: true }), fc.double({ min: 0.2, max: 0.9, noNaN: true }));
  const check = (sentences: readonly (readonly [number, number])[]): void => {
    const pieces = cut(...sentences.flat());
    assert.ok(pieces.every(({ forcedEnd }) => !forcedEnd));
    const lengths = pieces.slice(0, -1).map(secondsOf);
    assert.ok(
      lengths.every((length) => length >= 20 && length <= 28),
      lengths.join(' '),
    );
  };
  fc.assert(fc.property(fc.array(sentence, { minLength: 5, maxLength: 80 }), check), { seed: 4, numRuns: 200 });
});
