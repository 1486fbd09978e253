/** The level to which the engine's input is brought: the word error rate over the fixtures is lowest around it. */
const TARGET_DB = -23;

/** Beyond this there is only the noise of the recording's last bit. */
const GAIN_DB_MAX = 60;

/** Stretches that are quieter than the loud part of a piece by more than this are lifted up to there. */
const QUIETER_DB_MAX = 15;

/** Levels are taken over frames of 32 ms, and a stretch is what lies within a second of a frame. */
const FRAME_SAMPLES = 512;
const REACH_FRAMES = 31;
/** The share of a stretch's frames that may be louder than its level. */
const LOUDER_SHARE = 0.1;
const SILENCE_DB = -120;

/**
 * Brings samples to one level (root mean square -23 dBFS, no peak above 1), so that a recording gives the same text
 * however far it was turned down, and a whisper between loud voices is not lost. Digital silence stays what it is.
 */
export function normalizeLevel(samples: Float32Array): Float32Array {
  const even = evenedOut(samples);
  let sumOfSquares = 0;
  let peak = 0;
  for (const sample of even) {
    sumOfSquares += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  if (peak === 0) return samples;
  const rootMeanSquare = Math.sqrt(sumOfSquares / even.length);
  const gain = Math.min(amplitude(TARGET_DB) / rootMeanSquare, 1 / peak, amplitude(GAIN_DB_MAX));
  return even.map((sample) => sample * gain);
}

/** The samples with quiet stretches lifted; speech of even loudness, with its pauses, stays as it is. */
function evenedOut(samples: Float32Array): Float32Array {
  const levelsDb = Array.from({ length: Math.ceil(samples.length / FRAME_SAMPLES) }, (_, frame) =>
    levelDb(samples.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES)),
  );
  const stretchesDb = levelsDb.map((_, frame) =>
    loudPartOf(levelsDb.slice(Math.max(0, frame - REACH_FRAMES), frame + REACH_FRAMES + 1)),
  );
  const floorDb = Math.max(SILENCE_DB, ...stretchesDb) - QUIETER_DB_MAX;
  const lifts = stretchesDb.map((stretchDb) => Math.min(GAIN_DB_MAX, Math.max(0, floorDb - stretchDb)));
  if (lifts.every((lift) => lift === 0)) return samples;
  return samples.map((sample, index) => {
    // From the middle of one frame to that of the next the lift goes evenly: a jump would click.
    const place = Math.max(0, index / FRAME_SAMPLES - 0.5);
    const before = lifts[Math.floor(place)] ?? 0;
    const after = lifts[Math.floor(place) + 1] ?? before;
    return sample * amplitude(before + (after - before) * (place % 1));
  });
}

function loudPartOf(levelsDb: number[]): number {
  const sorted = levelsDb.sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) * (1 - LOUDER_SHARE))] ?? SILENCE_DB;
}

function levelDb(samples: Float32Array): number {
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return Math.max(SILENCE_DB, 10 * Math.log10(energy + 1e-30));
}

function amplitude(decibels: number): number {
  return 10 ** (decibels / 20);
}
