import type { Pcm } from '../../core/pcm.ts';

const PARTS_MAX = 1_000;
const READ_SAMPLES = 2 ** 20;

/** The loudest moment of each of at most so many equal parts of a recording, from 0 to 1, to three places. */
export async function loudestMoments(recording: Pcm, signal: AbortSignal): Promise<readonly number[]> {
  const { sampleCount } = recording;
  const parts = Math.min(PARTS_MAX, sampleCount);
  const peaks = new Float32Array(parts);
  for (let start = 0; start < sampleCount; start += READ_SAMPLES) {
    signal.throwIfAborted();
    const samples = await recording.read(start, Math.min(start + READ_SAMPLES, sampleCount));
    for (const [index, sample] of samples.entries()) {
      const part = Math.floor(((start + index) * parts) / sampleCount);
      const level = Math.abs(sample);
      if (level > (peaks[part] ?? 0)) peaks[part] = level;
    }
  }
  return Array.from(peaks, (peak) => Math.round(Math.min(peak, 1) * 1000) / 1000);
}
