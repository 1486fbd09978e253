import { FRAME_SAMPLES } from '../core/pcm.ts';

const SILENCE_DB = -120;

/** Root mean square in dBFS, -120 for digital silence. */
export function levelDb(samples: Float32Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return Math.max(SILENCE_DB, 10 * Math.log10(energy / samples.length + 1e-30));
}

/** The level of each frame; the last one may be short. */
export function levelsOf(samples: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.ceil(samples.length / FRAME_SAMPLES) }, (_, frame) =>
    levelDb(samples.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES)),
  );
}
