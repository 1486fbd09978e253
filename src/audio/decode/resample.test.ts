import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelDb, sine } from './decode.test-files.ts';
import { createResampler } from './resample.ts';

const RATES_HZ = [8000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000];

function resampled(samples: Float32Array, sampleRateHz: number, blockSamples = 4096): Float32Array {
  const resampler = createResampler(sampleRateHz);
  const result: number[] = [];
  for (let start = 0; start < samples.length; start += blockSamples) {
    result.push(...resampler.push(samples.subarray(start, start + blockSamples)));
  }
  result.push(...resampler.finish());
  return Float32Array.from(result);
}

/** Level of a tone after resampling, relative to before, without its first and last moment. */
function gainDb(frequencyHz: number, sampleRateHz: number): number {
  const tone = sine(frequencyHz, 1, sampleRateHz);
  return levelDb(resampled(tone, sampleRateHz).subarray(2000, -2000)) - levelDb(tone);
}

test('a tone of 1 kHz keeps its level to a tenth of a decibel', () => {
  for (const rate of RATES_HZ) {
    assert.ok(Math.abs(gainDb(1000, rate)) < 0.1, `${gainDb(1000, rate)} dB at ${rate} Hz`);
  }
});

test('tones above 8 kHz stay below -60 dB', () => {
  for (const rate of RATES_HZ) {
    for (const frequency of [8050, 8500, 9000, 12_000, 15_900, 20_000, 40_000].filter((value) => value < rate / 2)) {
      assert.ok(gainDb(frequency, rate) < -60, `${gainDb(frequency, rate)} dB of ${frequency} Hz at ${rate} Hz`);
    }
  }
});

test('raising the rate makes no image of what is below', () => {
  const low = resampled(sine(3000, 1, 8000), 8000);
  const expected = sine(3000, 1, 16_000);
  const difference = low.map((value, index) => value - (expected[index] ?? 0)).subarray(2000, -2000);
  assert.ok(levelDb(difference) < -60, `${levelDb(difference)} dB`);
});

test('the result lies where the original lay', () => {
  for (const rate of RATES_HZ) {
    const pulse = new Float32Array(rate);
    const position = Math.floor(rate / 4);
    pulse[position] = 1;
    const result = resampled(pulse, rate);
    assert.ok(Math.abs(result.indexOf(Math.max(...result)) - (position * 16_000) / rate) <= 1, `at ${rate} Hz`);
  }
});

test('the length is exact for every length and for rates without a common measure', () => {
  for (const rate of [...RATES_HZ, 1000, 44_101, 47_999, 191_999]) {
    for (const length of [1, 7, 1000, 12_345]) {
      assert.equal(resampled(new Float32Array(length), rate).length, Math.round((length * 16_000) / rate));
    }
  }
});

test('how the audio is cut into blocks makes no difference', () => {
  const tone = sine(440, 0.5, 44_100);
  assert.deepEqual(resampled(tone, 44_100, 1), resampled(tone, 44_100, 30_000));
});

test('audio at 16 kHz is passed on as it is', () => {
  const tone = sine(440, 0.1);
  assert.deepEqual(resampled(tone, 16_000), tone);
});
