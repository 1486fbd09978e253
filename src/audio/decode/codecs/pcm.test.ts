import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePcm, type PcmLayout } from './pcm.ts';

function decodeBytes(bytes: readonly number[], layout: Partial<PcmLayout>): number[][] {
  const complete = { encoding: 'signed', sampleBytes: 2, littleEndian: true, channelCount: 1, ...layout } as const;
  return decodePcm(Uint8Array.from(bytes), complete).map((channel) => [...channel]);
}

test('integers of every size reach from -1 to just below 1', () => {
  assert.deepEqual(decodeBytes([0, 128, 192], { encoding: 'unsigned', sampleBytes: 1 }), [[-1, 0, 0.5]]);
  assert.deepEqual(decodeBytes([0x80, 0, 0x40], { sampleBytes: 1 }), [[-1, 0, 0.5]]);
  assert.deepEqual(decodeBytes([0, 0x80, 0, 0x40], {}), [[-1, 0.5]]);
  assert.deepEqual(decodeBytes([0, 0, 0x80, 0, 0, 0x40], { sampleBytes: 3 }), [[-1, 0.5]]);
  assert.deepEqual(decodeBytes([0, 0, 0, 0x80, 0, 0, 0, 0xc0], { sampleBytes: 4 }), [[-1, -0.5]]);
});

test('the other byte order is read too', () => {
  assert.deepEqual(decodeBytes([0xc0, 0], { littleEndian: false }), [[-0.5]]);
  assert.deepEqual(decodeBytes([0xc0, 0, 0], { littleEndian: false, sampleBytes: 3 }), [[-0.5]]);
});

test('channels are told apart, and an incomplete last frame is left out', () => {
  assert.deepEqual(decodeBytes([0, 0x40, 0, 0xc0, 0, 0x20, 7], { channelCount: 2 }), [[0.5], [-0.5]]);
});

test('floating-point samples that are no numbers become silence', () => {
  const values = Float32Array.of(0.25, Number.NaN, Infinity, -1e30, -1.5);
  const bytes = [...new Uint8Array(values.buffer)];
  assert.deepEqual(decodeBytes(bytes, { encoding: 'float', sampleBytes: 4 }), [[0.25, 0, 0, 0, -1.5]]);
});

test('the telephone encodings have the values of the standard at their corners', () => {
  const scaled = (encoding: 'ulaw' | 'alaw', bytes: number[]): number[] | undefined =>
    decodeBytes(bytes, { encoding, sampleBytes: 1 })[0]?.map((value) => value * 32_768);
  // ITU-T G.711: decision values 8031 and 4032 at 14 and 13 bits, here at 16.
  assert.deepEqual(scaled('ulaw', [0x00, 0x80, 0x7f, 0xff, 0x8f]), [-32_124, 32_124, -0, 0, 16_764]);
  assert.deepEqual(scaled('alaw', [0x2a, 0xaa, 0x55, 0xd5]), [-32_256, 32_256, -8, 8]);
});
