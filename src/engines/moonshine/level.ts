/** The level to which the engine's input is brought: the word error rate over the fixtures is lowest around it. */
const TARGET_DB = -23;

/** Beyond this there is only the noise of the recording's last bit. */
const GAIN_DB_MAX = 60;

/**
 * Brings samples to one level (root mean square -23 dBFS, no peak above 1), so that a recording gives the same text
 * however far it was turned down. Digital silence stays what it is.
 */
export function normalizeLevel(samples: Float32Array): Float32Array {
  let sumOfSquares = 0;
  let peak = 0;
  for (const sample of samples) {
    sumOfSquares += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  if (peak === 0) return samples;
  const rootMeanSquare = Math.sqrt(sumOfSquares / samples.length);
  const gain = Math.min(amplitude(TARGET_DB) / rootMeanSquare, 1 / peak, amplitude(GAIN_DB_MAX));
  return samples.map((sample) => sample * gain);
}

function amplitude(decibels: number): number {
  return 10 ** (decibels / 20);
}
