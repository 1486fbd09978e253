import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FIXTURES, levelDb, samplesOf, sine } from './decode.test-files.ts';
import { createDownMix } from './down-mix.ts';

const speech = samplesOf(await readFile(join(FIXTURES, 'sense-leisure.wav')));

function mixed(channels: readonly Float32Array[], blockSamples = 2000): Float32Array {
  const downMix = createDownMix();
  const result: number[] = [];
  for (let start = 0; start < (channels[0]?.length ?? 0); start += blockSamples) {
    result.push(...downMix.mix(channels.map((channel) => channel.subarray(start, start + blockSamples))));
  }
  return Float32Array.from(result);
}

function scaled(samples: Float32Array, factor: number): Float32Array {
  return samples.map((value) => value * factor);
}

test('equal channels give the same signal at the same level', () => {
  assert.deepEqual(mixed([speech, speech]), speech);
});

test('channels at full scale do not go beyond it', () => {
  const loud = sine(300, 0.5, 16_000, 1);
  const channels = [loud, sine(310, 0.5, 16_000, 1), sine(290, 0.5, 16_000, 1), loud, loud, loud];
  assert.ok(mixed(channels).every((value) => Math.abs(value) <= 1));
});

test('the same voice with its waveform turned over is not cancelled', () => {
  assert.ok(levelDb(mixed([speech, scaled(speech, -1)])) > levelDb(speech) - 0.5);
  assert.ok(levelDb(mixed([speech, scaled(speech, -0.5)])) > levelDb(speech) - 3);
  const six = [1, -1, 1, -1, -1, -1].map((factor) => scaled(speech, factor));
  assert.ok(levelDb(mixed(six)) > levelDb(speech) - 1);
});

test('a voice that is turned over only later is not cancelled for longer than a moment', () => {
  const half = speech.length >> 1;
  const other = speech.map((value, index) => (index < half ? value : -value));
  const result = mixed([speech, other]).subarray(half + 12_000);
  assert.ok(levelDb(result) > levelDb(speech.subarray(half + 12_000)) - 0.5);
});

test('two voices on two channels are both heard', () => {
  const voice = sine(200, 1);
  const other = sine(333, 1);
  const expected = voice.map((value, index) => (value + (other[index] ?? 0)) / 2);
  const difference = mixed([voice, other]).map((value, index) => value - (expected[index] ?? 0));
  assert.ok(levelDb(difference.subarray(2000)) < -100);
});

test('a channel of silence takes the share of its place and changes nothing else', () => {
  assert.deepEqual(mixed([speech, new Float32Array(speech.length)]), scaled(speech, 0.5));
});
