/** Moonshine tiny on onnxruntime: an encoder over the raw waveform and a decoder that writes one token a step. */
import { fileURLToPath } from 'node:url';
import tokenizer from 'llama-tokenizer-js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { assert } from '../../core/errors.ts';
import { SAMPLE_RATE_HZ } from '../../core/pcm.ts';
import type { EngineText } from '../contract.ts';
import { AttentionCache } from './attention-cache.ts';
import { normalizeLevel } from './level.ts';
import { findLoop } from '../repetition.ts';

export interface MoonshineModel {
  /**
   * Writes down the speech in mono 16 kHz samples; silence gives an empty text. `outputTokens` counts the tokens of the
   * text. Between two steps it looks at the signal and throws its reason.
   */
  transcribe(samples: Float32Array, outputTokensMax: number, signal: AbortSignal): Promise<EngineText>;
}

/** The encoder's convolutions need 895 samples; a shorter piece is filled with silence to half a second. */
const SAMPLES_MIN = SAMPLE_RATE_HZ / 2;

/** Speech has at most so many tokens a second; what goes beyond is invented. */
const TOKENS_PER_SECOND_MAX = 6;

/** Now and then the model ends before the first word of a piece at least this long, whose halves it hears well. */
const SAMPLES_TO_HALVE_MIN = 4 * SAMPLE_RATE_HZ;

const START_TOKEN = 1;
const END_TOKEN = 2;

const VOCABULARY = 32_768;

/** What the decoder wrote, and whether it stopped before the model would have ended. */
interface Written {
  readonly tokens: number[];
  readonly truncated: boolean;
}

const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  // Without arenas a process holds tens of megabytes less after a long piece, at the same speed.
  enableCpuMemArena: false,
  enableMemPattern: false,
  // The weights of the output layer are stored in 8 bits. By default they are widened again at every step, which takes
  // longer than all the rest; with the first of these they are widened once, at the start. The second leaves out a copy of
  // them in another order, of which single steps have no use. The tokens are the same.
  extra: { session: { disable_quant_qdq: '1', disable_prepacking: '1' } },
};

/** Loads the weights once; pieces at the same time then take turns, a step each. */
export async function loadMoonshine(): Promise<MoonshineModel> {
  const encoder = await InferenceSession.create(weights('encoder_model.onnx'), SESSION_OPTIONS);
  const decoder = await InferenceSession.create(weights('decoder_model_merged.onnx'), SESSION_OPTIONS);

  async function hear(samples: Float32Array, outputTokensMax: number, signal: AbortSignal): Promise<Written> {
    signal.throwIfAborted();
    const waveform = paddedToMinimum(normalizeLevel(samples));
    const input = new Tensor('float32', waveform, [1, waveform.length]);
    const encoded = output(await encoder.run({ input_values: input }), 'last_hidden_state');
    const speechTokensMax = Math.ceil((waveform.length / SAMPLE_RATE_HZ) * TOKENS_PER_SECOND_MAX);
    return decode(decoder, encoded, Math.min(speechTokensMax, outputTokensMax), signal);
  }

  /** The tokens of each part that had to be heard by itself. */
  async function hearInParts(
    samples: Float32Array,
    outputTokensMax: number,
    signal: AbortSignal,
  ): Promise<readonly Written[]> {
    const written = await hear(samples, outputTokensMax, signal);
    if (written.tokens.length > 0 || outputTokensMax === 0 || samples.length < SAMPLES_TO_HALVE_MIN) return [written];
    const half = quietestPoint(samples);
    const tokensMax = Math.floor((outputTokensMax * half) / samples.length);
    const first = await hearInParts(samples.slice(0, half), tokensMax, signal);
    return [...first, ...(await hearInParts(samples.slice(half), outputTokensMax - tokensMax, signal))];
  }

  return {
    async transcribe(samples, outputTokensMax, signal) {
      const parts = await hearInParts(samples, outputTokensMax, signal);
      const texts = parts.map(({ tokens }) => tokenizer.decode(tokens, false, false).trim());
      return {
        text: texts.filter((text) => text !== '').join(' '),
        outputTokens: parts.reduce((sum, { tokens }) => sum + tokens.length, 0),
        ...(parts.some(({ truncated }) => truncated) ? { truncated: true } : {}),
      };
    },
  };
}

/** Where the middle half of the samples is quietest, looked at in steps of a twentieth of a second. */
function quietestPoint(samples: Float32Array): number {
  const step = SAMPLE_RATE_HZ / 20;
  let quietest = samples.length >> 1;
  let least = Infinity;
  for (let start = samples.length >> 2; start < (samples.length * 3) / 4; start += step) {
    const energy = samples.subarray(start, start + step).reduce((sum, sample) => sum + sample * sample, 0);
    if (energy >= least) continue;
    least = energy;
    quietest = start + step / 2;
  }
  return quietest;
}

/** The model's files lie beside the entry of their package, which itself is for browsers and is not loaded. */
function weights(file: string): string {
  const entry = import.meta.resolve('@moonshine-ai/moonshine-js');
  return fileURLToPath(new URL(`./model/tiny/quantized/${file}`, entry));
}

/** Greedy decoding: the likeliest token at each step, until the model ends, loops, or has written `tokensMax`. */
async function decode(
  decoder: InferenceSession,
  encoded: Tensor,
  tokensMax: number,
  signal: AbortSignal,
): Promise<Written> {
  const tokens: number[] = [];
  const cache = new AttentionCache(tokensMax);
  const logits = new Float32Array(VOCABULARY);
  while (tokens.length < tokensMax) {
    signal.throwIfAborted();
    const inputs = {
      input_ids: new Tensor('int64', [BigInt(tokens.at(-1) ?? START_TOKEN)], [1, 1]),
      encoder_hidden_states: encoded,
      use_cache_branch: new Tensor('bool', [tokens.length > 0], [1]),
    };
    await cache.step(decoder, inputs, { logits: new Tensor('float32', logits, [1, 1, VOCABULARY]) });
    const token = likeliest(logits);
    if (token === END_TOKEN) return { tokens, truncated: false };
    tokens.push(token);
    const kept = findLoop(tokens);
    if (kept !== null) return { tokens: tokens.slice(0, kept), truncated: true };
  }
  return { tokens, truncated: true };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  let highest = -Infinity;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? -Infinity;
    if (logit > highest) {
      highest = logit;
      best = token;
    }
  }
  return best;
}

function paddedToMinimum(samples: Float32Array): Float32Array {
  if (samples.length >= SAMPLES_MIN) return samples;
  const padded = new Float32Array(SAMPLES_MIN);
  padded.set(samples);
  return padded;
}

function output(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  assert(value !== undefined, `the model has an output ${name}`);
  return value as Tensor;
}
