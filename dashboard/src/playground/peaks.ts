/** What the browser hears in a file, for the waveform before the server has answered. */

const PEAKS = 1_000;
/** A longer file would fill the memory of a phone once it is decoded. */
const BYTES_MAX = 40_000_000;

export interface Heard {
  readonly peaks: readonly number[];
  readonly duration: number;
}

/** Null for what this browser cannot decode: the server knows more formats. */
export async function hear(file: Blob): Promise<Heard | null> {
  if (file.size > BYTES_MAX) return null;
  try {
    const context = new OfflineAudioContext(1, 1, 16_000);
    const audio = await context.decodeAudioData(await file.arrayBuffer());
    const samples = audio.getChannelData(0);
    const part = Math.max(1, Math.ceil(samples.length / PEAKS));
    const peaks: number[] = [];
    for (let first = 0; first < samples.length; first += part) {
      let peak = 0;
      const end = Math.min(samples.length, first + part);
      for (let index = first; index < end; index += 1) peak = Math.max(peak, Math.abs(samples[index] ?? 0));
      peaks.push(peak);
    }
    return { peaks, duration: audio.duration };
  } catch {
    return null;
  }
}
