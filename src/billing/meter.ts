/** What a call is metered by: pure arithmetic on the decoded length and the delivered text. */
import { divideRoundingUp } from '../core/money.ts';
import type { Transcript, Usage } from '../core/transcript.ts';

const MINUTE_MS = 60_000n;

/** Most output tokens that an engine may give: so many for each second of audio begun, and some for a short one. */
const OUTPUT_TOKENS_PER_SECOND_MAX = 12;
const OUTPUT_TOKENS_EXTRA_MAX = 64;

/** @param durationMs whole milliseconds of decoded audio; silence counts. */
export function meter(
  durationMs: number,
  audioTokensPerMinute: number,
  transcript: Pick<Transcript, 'outputTokens' | 'estimated'>,
): Usage {
  return {
    durationMs,
    inputTokens: audioTokens(durationMs, audioTokensPerMinute),
    outputTokens: transcript.outputTokens,
    estimated: transcript.estimated,
  };
}

/** The most that a call can come to; this is what is held, and what engines are told not to exceed. */
export function worstCase(durationMs: number, audioTokensPerMinute: number): Usage {
  return {
    durationMs,
    inputTokens: audioTokens(durationMs, audioTokensPerMinute),
    outputTokens: OUTPUT_TOKENS_PER_SECOND_MAX * Math.ceil(durationMs / 1000) + OUTPUT_TOKENS_EXTRA_MAX,
    estimated: true,
  };
}

function audioTokens(durationMs: number, audioTokensPerMinute: number): number {
  return Number(divideRoundingUp(BigInt(durationMs) * BigInt(audioTokensPerMinute), MINUTE_MS));
}
