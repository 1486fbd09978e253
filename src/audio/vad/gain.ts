/**
 * How much to amplify audio before the model listens to it. The model does not hear very quiet speech, so the gain follows
 * the level: up in a quiet file, and up in a whispered passage of a loud one. It does not take amplified noise for speech.
 */

/** Level to which the louder part of each stretch is brought. */
const TARGET_DB = -18;
/** Below -68 dBFS there is only the noise of the recording itself, and it stays below the target. */
const GAIN_DB_MAX = 50;
/** Frames to either side that make a stretch: a second each, so that single whispered sentences count too. */
export const REACH_FRAMES = 31;
/** The share of a stretch's frames that may be louder than its level: single knocks are no speech. */
const LOUDER_SHARE = 0.1;

/** The gain in decibels at `frame`, by the levels of the frames around it. */
export function gainDbAt(levelsDb: Float32Array, frame: number): number {
  const around = levelsDb.slice(Math.max(0, frame - REACH_FRAMES), frame + REACH_FRAMES + 1).sort();
  const level = around[Math.floor((around.length - 1) * (1 - LOUDER_SHARE))] ?? 0;
  return Math.min(GAIN_DB_MAX, Math.max(0, TARGET_DB - level));
}
