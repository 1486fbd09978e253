/** How samples become frames, and frames become tokens. */

export const HOP_SAMPLES = 160;

/** The encoder's second convolution takes every other frame. */
const FRAMES_PER_STATE = 2;

/** @param merge encoder states that become one token, 4 in the published model: 12.5 tokens a second. */
export function audioTokens(samples: number, merge: number): number {
  const frames = Math.ceil(samples / HOP_SAMPLES);
  return Math.floor(Math.ceil(frames / FRAMES_PER_STATE) / merge);
}

/** Samples of the smallest window that holds so many tokens and nothing else. */
export function samplesPerToken(merge: number): number {
  return HOP_SAMPLES * FRAMES_PER_STATE * merge;
}
