import { formatUsd } from '../../../core/money.ts';
import type { Transcription } from '../../../transcribe/transcribe.ts';

/** The body of a 200. */
export function renderRunReply({ call, transcript, usage, receipt }: Transcription): string {
  return JSON.stringify({
    text: transcript.text,
    id: call.requestId,
    ...(call.clientRequestId === null ? {} : { client_request_id: call.clientRequestId }),
    model: call.model,
    engine: transcript.engine,
    engines: transcript.engines,
    duration_seconds: usage.durationMs / 1000,
    usage: {
      type: 'tokens',
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      total_tokens: usage.inputTokens + usage.outputTokens,
      input_token_details: { audio_tokens: usage.inputTokens, text_tokens: 0 },
      estimated: usage.estimated,
    },
    cost_usd: formatUsd(receipt.costNanoUsd),
    warnings: transcript.warnings,
  });
}
