import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeLevel } from './level.ts';

const wave = Float32Array.from({ length: 16_000 }, (_, index) => 0.3 * Math.sin(index / 5));

function levelDb(samples: Float32Array): number {
  return 10 * Math.log10(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

test('samples come to -23 dBFS from far above and far below', () => {
  for (const gain of [3, 1, 0.1, 0.01, 0.001]) {
    const level = levelDb(normalizeLevel(wave.map((sample) => sample * gain)));
    assert.ok(Math.abs(level + 23) < 0.01, `${level} dB after a gain of ${gain}`);
  }
});

test('no peak passes 1, however quiet the rest is', () => {
  const click = new Float32Array(16_000).fill(0.0001);
  click[8_000] = 0.5;
  const peak = normalizeLevel(click).reduce((highest, sample) => Math.max(highest, sample), 0);
  assert.ok(peak > 0.999 && peak <= 1.000_001, String(peak));
});

test('digital silence stays silent, and the last bit of a recording is not made loud', () => {
  assert.deepEqual(normalizeLevel(new Float32Array(4)), new Float32Array(4));
  assert.deepEqual(normalizeLevel(new Float32Array(0)), new Float32Array(0));
  const level = levelDb(normalizeLevel(new Float32Array(1_000).fill(0.000_001)));
  assert.ok(Math.abs(level + 60) < 0.01, String(level));
});

test('a whisper of seconds between loud voices comes up to them but for 15 dB, and even speech keeps its shape', () => {
  const second = 16_000;
  const whisper = (index: number): number => (index >= 5 * second && index < 10 * second ? 0.01 : 1);
  const samples = Float32Array.from({ length: 15 * second }, (_, index) => whisper(index) * Math.sin(index / 5) * 0.3);
  const normalized = normalizeLevel(samples);
  const difference = levelDb(normalized.subarray(0, 3 * second)) - levelDb(normalized.subarray(7 * second, 8 * second));
  assert.ok(Math.abs(difference - 15) < 0.1, `${difference} dB`);
  const even = normalizeLevel(wave);
  assert.ok(
    even.every((sample, index) => Math.abs(sample - (wave[index] ?? 0) * ((even[100] ?? 0) / (wave[100] ?? 1))) < 1e-6),
  );
});
