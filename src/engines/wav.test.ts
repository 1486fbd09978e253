import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOneSecond } from './one-second.ts';
import { fromWav, toWav } from './wav.ts';

test('samples of 16 bits come out of the file as they went in, all 65,536 of them', () => {
  const samples = Float32Array.from({ length: 65_536 }, (_, index) => (index - 32_768) / 32_768);
  assert.deepEqual(fromWav(toWav(samples)), samples);
});

test('what is louder than full scale is clamped, and what is no number is silent', () => {
  const clamped = fromWav(toWav(Float32Array.of(1, 1.5, Infinity, -1, -1.5, -Infinity, NaN)));
  const most = 32_767 / 32_768;
  assert.deepEqual([...clamped], [most, most, most, -1, -1, -1, 0]);
});

test('the header says 16 kHz, mono, 16 bits and the exact length', () => {
  const bytes = Buffer.from(toWav(new Float32Array(1_000)));
  assert.equal(bytes.length, 2_044);
  assert.equal(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 16), 'RIFFWAVEfmt ');
  assert.deepEqual(
    [
      bytes.readUInt32LE(4),
      bytes.readUInt32LE(16),
      bytes.readUInt32LE(24),
      bytes.readUInt32LE(28),
      bytes.readUInt32LE(40),
    ],
    [2_036, 16, 16_000, 32_000, 2_000],
  );
  assert.deepEqual(
    [20, 22, 32, 34].map((offset) => bytes.readUInt16LE(offset)),
    [1, 1, 2, 16],
  );
});

test('the one second that engines are asked with has 16,000 samples and is no silence', async () => {
  const samples = await loadOneSecond();
  assert.equal(samples.length, 16_000);
  assert.ok(samples.some((sample) => Math.abs(sample) > 0.1));
});
