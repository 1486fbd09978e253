/** One second of real speech: what an engine is asked with to see whether it answers at all. */
import { readFile } from 'node:fs/promises';
import { fromWav } from './wav.ts';

/** `samples/one-second.wav`, of the public domain. */
export async function loadOneSecond(): Promise<Float32Array> {
  return fromWav(await readFile(new URL('../../samples/one-second.wav', import.meta.url)));
}
