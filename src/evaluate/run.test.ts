import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recording } from '../audio/decode/decode.ts';
import { AppError } from '../core/errors.ts';
import { FRAME_SAMPLES } from '../core/pcm.ts';
import { partOf } from './run.ts';

const FRAMES = 100;

/** A recording whose samples and frames say where they stand. */
const recording: Recording = {
  sampleCount: FRAMES * FRAME_SAMPLES - 100,
  durationMs: 3_194,
  damage: { start: 20_000, end: 30_000 },
  frames: {
    probabilities: Float32Array.from({ length: FRAMES }, (_, frame) => frame / 1_024),
    levelsDb: Float32Array.from({ length: FRAMES }, (_, frame) => -frame),
  },
  format: 'wav',
  detectMs: 0,
  read: async (start, end) => Float32Array.from({ length: end - start }, (_, index) => start + index),
  async [Symbol.asyncDispose]() {},
};

test('a part has exactly the samples between its times', async () => {
  const part = partOf(recording, { begin: 0.5, end: 1.25 });
  assert.deepEqual([part.sampleCount, part.durationMs], [12_000, 750]);
  const samples = await part.read(0, part.sampleCount);
  assert.deepEqual([samples.length, samples[0], samples.at(-1)], [12_000, 8_000, 19_999]);
  assert.deepEqual((await part.read(10, 11))[0], 8_010);
});

test("each frame of a part is the recording's frame at its middle, and none is missing", () => {
  for (const begin of [0, 0.01, 0.0161, 1, 3.1]) {
    const { frames, sampleCount } = partOf(recording, { begin, end: 99 });
    assert.equal(frames.levelsDb.length, Math.ceil(sampleCount / FRAME_SAMPLES));
    frames.levelsDb.forEach((level, frame) => {
      const middle = begin * 16_000 + (frame + 0.5) * FRAME_SAMPLES;
      assert.ok(Math.abs(-level - Math.min(middle / FRAME_SAMPLES, FRAMES) + 0.5) <= 0.51, `${begin}: ${frame}`);
      assert.equal(frames.probabilities[frame], -level / 1_024);
    });
  }
});

test('damage stays where it is, as seen from the part', () => {
  assert.deepEqual(partOf(recording, { begin: 1, end: 1.5 }).damage, { start: 4_000, end: 8_000 });
  assert.deepEqual(partOf(recording, { begin: 1.5, end: 3 }).damage, { start: 0, end: 6_000 });
  assert.equal(partOf(recording, { begin: 0, end: 1 }).damage, null);
});

test('a part that begins behind the end is refused; one that ends there is as long as there is audio', () => {
  assert.equal(partOf(recording, { begin: 3, end: 60 }).sampleCount, recording.sampleCount - 48_000);
  assert.throws(
    () => partOf(recording, { begin: 60, end: 61 }),
    (error) => error instanceof AppError,
  );
});
