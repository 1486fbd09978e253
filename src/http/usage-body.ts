import type { Usage } from '../core/transcript.ts';

/** `usage` as every door shows it: OpenAI's shape, and whether the output tokens were counted by our rule. */
export function usageBody(usage: Usage): object {
  return {
    type: 'tokens',
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    input_token_details: { audio_tokens: usage.inputTokens, text_tokens: 0 },
    estimated: usage.estimated,
  };
}
