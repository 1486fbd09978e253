import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { FRAME_SAMPLES, type SpeechFrames } from '../../core/pcm.ts';
import { FIXTURES, samplesOf } from '../decode/decode.test-files.ts';
import { loadSilero } from './silero.ts';
import { createSpeechDetector } from './speech-detector.ts';

const silero = await loadSilero();
const speech = samplesOf(await readFile(`${FIXTURES}/sense-leisure.wav`));
const SECOND = 16_000;

async function detect(samples: Float32Array, blockSamples = 5000): Promise<SpeechFrames> {
  const detector = createSpeechDetector(silero);
  for (let start = 0; start < samples.length; start += blockSamples) {
    await detector.push(samples.subarray(start, start + blockSamples));
  }
  return detector.finish();
}

/** The sentence again and again, each time in a stretch of eight seconds, at the gain that the callback gives. */
function repeated(times: number, gainDb: (time: number) => number = () => 0): Float32Array {
  const samples = new Float32Array(times * 8 * SECOND);
  for (let time = 0; time < times; time += 1) {
    const gain = 10 ** (gainDb(time) / 20);
    samples.set(
      speech.map((value) => value * gain),
      time * 8 * SECOND,
    );
  }
  return samples;
}

/** Frames of speech in each stretch of eight seconds. */
function speechPerStretch({ probabilities }: SpeechFrames): number[] {
  const counts: number[] = [];
  probabilities.forEach((probability, frame) => {
    const stretch = Math.floor((frame * FRAME_SAMPLES) / (8 * SECOND));
    counts[stretch] = (counts[stretch] ?? 0) + (probability >= 0.5 ? 1 : 0);
  });
  return counts;
}

test('nothing gives no frames, and a part of a frame gives one', async () => {
  assert.equal((await detect(new Float32Array(0))).probabilities.length, 0);
  const { probabilities, levelsDb } = await detect(new Float32Array(1));
  assert.equal(probabilities.length, 1);
  assert.deepEqual([...levelsDb], [-120]);
});

test('speech is found in every stretch of a recording that is longer than a window', async () => {
  const frames = await detect(repeated(20));
  assert.equal(frames.probabilities.length, (20 * 8 * SECOND) / FRAME_SAMPLES);
  const counts = speechPerStretch(frames);
  const expected = counts[0] ?? 0;
  assert.ok(expected > 150);
  assert.ok(
    counts.every((count) => Math.abs(count - expected) <= 12),
    counts.join(' '),
  );
});

test('a whispered minute in a loud recording is heard as well as the rest', async () => {
  const counts = speechPerStretch(await detect(repeated(15, (time) => (time >= 5 && time < 12 ? -40 : 0))));
  const expected = counts[0] ?? 0;
  assert.ok(
    counts.every((count) => count > expected * 0.9),
    counts.join(' '),
  );
});

test('how the samples are cut into blocks makes no difference', async () => {
  assert.deepEqual(await detect(speech, 100), await detect(speech, speech.length));
});

test('levels are root mean squares in dBFS', async () => {
  const { levelsDb } = await detect(new Float32Array(1024).fill(0.1));
  assert.ok(levelsDb.every((level) => Math.abs(level + 20) < 0.001));
});
