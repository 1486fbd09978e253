/** Any server that speaks OpenAI's API: vLLM, SGLang, a cloud. Which one it is, and what it can do, is configuration. */
import type { Engine, EngineCapabilities } from '../contract.ts';
import { createRemoteEngine, type RemoteEngineServices } from '../remote-engine.ts';
import { createChat } from './chat.ts';
import { createTranscriptions } from './transcriptions.ts';

export interface OpenAiOptions extends RemoteEngineServices {
  /** The name under which the engine is configured. */
  readonly id: string;
  /**
   * `chat` asks by `/chat/completions` with the model's own prompt, which is how GLM-ASR wants to be asked on vLLM and
   * SGLang; `transcriptions` asks by `/audio/transcriptions`.
   */
  readonly mode: 'chat' | 'transcriptions';
  readonly baseUrl: string;
  /** Null for a server that wants none. */
  readonly apiKey: string | null;
  /** What the server calls the model. */
  readonly modelName: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly inFlightMax: number;
  /** ISO 639-1 codes; null for any. */
  readonly languages: readonly string[] | null;
  /** Whether the server honours `prompt`; with `transcriptions` only. */
  readonly prompt: boolean;
  /** Whether the server gives segments with `verbose_json`; with `transcriptions` only. */
  readonly timestamps: boolean;
  /** What follows the audio; with `chat` only. */
  readonly instruction: string;
}

/** GLM-ASR and Whisper are made for 30 seconds, and the first repeats itself beyond them. */
const PIECE_SECONDS_MAX = 28;

export function createOpenAiEngine({ apiKey, ...options }: OpenAiOptions): Engine {
  const { mode, languages, prompt, timestamps } = options;
  const capabilities: EngineCapabilities = {
    languages,
    pieceSecondsMax: PIECE_SECONDS_MAX,
    prompt,
    hotwords: false,
    timestamps,
    tokenCounts: mode === 'chat',
  };
  return createRemoteEngine({
    ...options,
    // The configuration says for which model it answers.
    model: null,
    capabilities,
    headers: { ...options.headers, ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) },
    vendor: mode === 'chat' ? createChat(options) : createTranscriptions(options),
  });
}
