/** The sizes of a checkpoint, from its `config.json` in today's form or in that from before 27 December 2025. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FilesError } from '../files-error.ts';

export interface EncoderSizes {
  readonly bands: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediate: number;
  /** Of each head's dimensions, those that are turned by their position: the first ones. */
  readonly rotary: number;
  readonly rotaryBase: number;
  readonly epsilon: number;
  readonly positionsMax: number;
}

export interface DecoderSizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly cacheHeads: number;
  readonly headSize: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly rotaryBase: number;
  readonly epsilon: number;
  readonly positionsMax: number;
}

export interface CheckpointConfig {
  readonly encoder: EncoderSizes;
  readonly decoder: DecoderSizes;
  readonly endTokens: readonly number[];
}

const size = z.int().min(1);
const rope = z
  .object({
    rope_theta: z.number().positive().optional(),
    rope_type: z.string().optional(),
    partial_rotary_factor: z.number().min(0).max(1).optional(),
  })
  .nullish();
const endTokens = z.union([z.int(), z.array(z.int()).min(1)]).nullish();

const textSchema = z.object({
  hidden_size: size.default(2048),
  num_hidden_layers: size.default(28),
  num_attention_heads: size.default(16),
  num_key_value_heads: size.default(4),
  head_dim: size.nullish(),
  intermediate_size: size.default(6144),
  vocab_size: size.default(59_264),
  max_position_embeddings: size.default(8192),
  rms_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: rope,
  rope_parameters: rope,
  eos_token_id: endTokens,
});

const todaySchema = z.object({
  audio_config: z.object({
    num_mel_bins: size.default(128),
    hidden_size: size.default(1280),
    num_hidden_layers: size.default(32),
    num_attention_heads: size.default(20),
    intermediate_size: size.default(5120),
    max_position_embeddings: size.default(1500),
    partial_rotary_factor: z.number().min(0).max(1).nullish(),
    rope_theta: z.number().positive().nullish(),
    rope_parameters: rope,
    layer_norm_eps: z.number().positive().default(1e-5),
  }),
  text_config: textSchema,
  eos_token_id: endTokens,
});

/** Its encoder was described in Whisper's words. */
const formerSchema = z.object({
  whisper_config: z.object({
    num_mel_bins: size.default(128),
    d_model: size.default(1280),
    encoder_layers: size.default(32),
    encoder_attention_heads: size.default(20),
    encoder_ffn_dim: size.default(5120),
    max_source_positions: size.default(1500),
  }),
  lm_config: textSchema,
  eos_token_id: endTokens,
});

const MODEL_TYPE = 'glmasr';
const ROTARY_BASE = 10_000;
const ROTARY_SHARE = 0.5;
const LAYER_NORM_EPSILON = 1e-5;
const END_TOKENS = [59_246, 59_253, 59_255];

export async function readCheckpointConfig(directory: string): Promise<CheckpointConfig> {
  const path = join(directory, 'config.json');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new FilesError(`${path} cannot be read; is this the folder of a checkpoint?`, { cause: error });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FilesError(`${path} is not valid JSON.`);
  }
  const kind = z.object({ model_type: z.string() }).safeParse(value);
  if (!kind.success || kind.data.model_type.toLowerCase() !== MODEL_TYPE) {
    const type = kind.success ? `"${kind.data.model_type}"` : 'not said';
    throw new FilesError(`${path}: the model type is ${type}; only "${MODEL_TYPE}" can be converted.`);
  }
  const today = todaySchema.safeParse(value);
  if (today.success) return checked(fromToday(today.data), path);
  const former = formerSchema.safeParse(value);
  if (former.success) return checked(fromFormer(former.data), path);
  const [issue] = today.error.issues;
  throw new FilesError(`${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not as expected'}.`);
}

function fromToday({ audio_config: audio, text_config: text, eos_token_id: end }: z.infer<typeof todaySchema>) {
  const share = audio.partial_rotary_factor ?? audio.rope_parameters?.partial_rotary_factor ?? ROTARY_SHARE;
  const encoder: EncoderSizes = {
    bands: audio.num_mel_bins,
    hidden: audio.hidden_size,
    layers: audio.num_hidden_layers,
    heads: audio.num_attention_heads,
    intermediate: audio.intermediate_size,
    rotary: Math.floor((audio.hidden_size / audio.num_attention_heads) * share),
    rotaryBase: audio.rope_theta ?? audio.rope_parameters?.rope_theta ?? ROTARY_BASE,
    epsilon: audio.layer_norm_eps,
    positionsMax: audio.max_position_embeddings,
  };
  return { encoder, decoder: decoderSizes(text), endTokens: endTokensOf(text.eos_token_id ?? end) };
}

function fromFormer({ whisper_config: whisper, lm_config: text, eos_token_id: end }: z.infer<typeof formerSchema>) {
  const encoder: EncoderSizes = {
    bands: whisper.num_mel_bins,
    hidden: whisper.d_model,
    layers: whisper.encoder_layers,
    heads: whisper.encoder_attention_heads,
    intermediate: whisper.encoder_ffn_dim,
    rotary: (whisper.d_model / whisper.encoder_attention_heads) * ROTARY_SHARE,
    rotaryBase: ROTARY_BASE,
    epsilon: LAYER_NORM_EPSILON,
    positionsMax: whisper.max_source_positions,
  };
  return { encoder, decoder: decoderSizes(text), endTokens: endTokensOf(text.eos_token_id ?? end) };
}

function decoderSizes(text: z.infer<typeof textSchema>): DecoderSizes {
  const scaling = text.rope_scaling?.rope_type ?? text.rope_parameters?.rope_type ?? 'default';
  if (scaling !== 'default') throw new FilesError(`Positions of the type "${scaling}" are not known here.`);
  return {
    hidden: text.hidden_size,
    layers: text.num_hidden_layers,
    heads: text.num_attention_heads,
    cacheHeads: text.num_key_value_heads,
    headSize: text.head_dim ?? text.hidden_size / text.num_attention_heads,
    intermediate: text.intermediate_size,
    vocabulary: text.vocab_size,
    rotaryBase: text.rope_theta ?? text.rope_parameters?.rope_theta ?? ROTARY_BASE,
    epsilon: text.rms_norm_eps,
    positionsMax: text.max_position_embeddings,
  };
}

function endTokensOf(value: z.infer<typeof endTokens>): readonly number[] {
  if (value === null || value === undefined) return END_TOKENS;
  return typeof value === 'number' ? [value] : value;
}

function checked(config: CheckpointConfig, path: string): CheckpointConfig {
  const { encoder, decoder } = config;
  const heads = [encoder.hidden / encoder.heads, decoder.headSize, decoder.heads / decoder.cacheHeads];
  if (heads.every(Number.isInteger) && encoder.rotary % 2 === 0) return config;
  throw new FilesError(`${path}: the sizes of the attention heads do not go together.`);
}
