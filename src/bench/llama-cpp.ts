/**
 * llama.cpp on the shapes of GLM-ASR-Nano, with the weights in the precision that is nearest to ours: what its encoder,
 * its reading of a prompt and its writing take, measured by its own programs. `EARSHOT_LLAMA_CPP` is the folder that
 * `llama-bench` and `llama-mtmd-cli` were built in; without it nothing is compared.
 */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toWav } from '../engines/wav.ts';
import type { Figure } from './figure.ts';
import { writeGguf, type Tensor, type TensorType, type Value } from './gguf.ts';
import { fullSizeShapes } from './glm-shapes.ts';

const run = promisify(execFile);

/** @param samples of one window of the encoder. */
export async function measureLlamaCpp(
  folder: string,
  samples: Float32Array,
  { promptTokens, newTokens }: { readonly promptTokens: number; readonly newTokens: number },
): Promise<readonly Figure[]> {
  const programs = process.env['EARSHOT_LLAMA_CPP'];
  if (programs === undefined) return [];
  const decoder = join(folder, 'decoder.gguf');
  const encoder = join(folder, 'encoder.gguf');
  const audio = join(folder, 'window.wav');
  try {
    writeGguf(decoder, decoderMetadata(), tensorsOf('language_model.'));
    writeGguf(encoder, ENCODER, [
      ...tensorsOf('audio_tower.'),
      ...tensorsOf('multi_modal_projector.'),
      ...ENCODER_ONLY,
    ]);
    writeFileSync(audio, toWav(samples));
    const speeds = await benchDecoder(programs, decoder, promptTokens, newTokens);
    return [
      ['encoder, 30 s', await benchEncoder(programs, decoder, encoder, audio), 's'] as const,
      [`prefill, ${promptTokens} tokens`, promptTokens / speeds.reading, 's'] as const,
      ['writing, 1 side by side', speeds.writing, 'tokens/s'] as const,
    ].map(([quantity, value, unit]) => ({ subject: `llama.cpp, ${THREADS} threads`, quantity, value, unit }));
  } finally {
    for (const file of [decoder, encoder, audio]) rmSync(file, { force: true });
  }
}

const THREADS = String(availableParallelism());

/** In tokens a second. */
async function benchDecoder(
  programs: string,
  decoder: string,
  promptTokens: number,
  newTokens: number,
): Promise<{ readonly reading: number; readonly writing: number }> {
  const counts = ['-p', String(promptTokens), '-n', String(newTokens), '-r', '3'];
  const { stdout } = await run(join(programs, 'llama-bench'), ['-m', decoder, '-t', THREADS, ...counts, '-o', 'json']);
  const speeds = JSON.parse(stdout) as readonly { n_prompt: number; n_gen: number; avg_ts: number }[];
  return {
    reading: speeds.find(({ n_prompt }) => n_prompt > 0)?.avg_ts ?? NaN,
    writing: speeds.find(({ n_gen }) => n_gen > 0)?.avg_ts ?? NaN,
  };
}

/** In seconds, after the first run, which warms up. */
async function benchEncoder(programs: string, decoder: string, encoder: string, audio: string): Promise<number> {
  const words = ['-p', 'text', '-n', '1', '-c', '1024', '--chat-template', 'chatml'];
  const { stdout, stderr } = await run(
    join(programs, 'llama-mtmd-cli'),
    ['-m', decoder, '--mmproj', encoder, '--audio', audio, '-t', THREADS, ...words],
    { maxBuffer: 2 ** 26 },
  );
  return Number(/(?:slice encoded|encoding done) in (\d+) ms/.exec(stdout + stderr)?.[1]) / 1000;
}

/** What the published names are called there, in the order in which they are replaced. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^audio_tower\.layers\.(\d+)\.input_layernorm/, 'a.blk.$1.ln1'],
  [/^audio_tower\.layers\.(\d+)\.post_attention_layernorm/, 'a.blk.$1.ln2'],
  [/^audio_tower\.layers\.(\d+)\.self_attn\.o_proj/, 'a.blk.$1.attn_out'],
  [/^audio_tower\.layers\.(\d+)\.self_attn\.(\w)_proj/, 'a.blk.$1.attn_$2'],
  [/^audio_tower\.layers\.(\d+)\.mlp\.fc1/, 'a.blk.$1.ffn_up'],
  [/^audio_tower\.layers\.(\d+)\.mlp\.fc2/, 'a.blk.$1.ffn_down'],
  [/^audio_tower\.conv(\d)/, 'a.conv1d.$1'],
  [/^audio_tower\.norm/, 'mm.a.norm_pre'],
  [/^multi_modal_projector\.linear_(\d)/, 'mm.a.mlp.$1'],
  [/^language_model\.model\.layers\.(\d+)\.input_layernorm/, 'blk.$1.attn_norm'],
  [/^language_model\.model\.layers\.(\d+)\.post_attention_layernorm/, 'blk.$1.ffn_norm'],
  [/^language_model\.model\.layers\.(\d+)\.self_attn\.o_proj/, 'blk.$1.attn_output'],
  [/^language_model\.model\.layers\.(\d+)\.self_attn\.(\w)_proj/, 'blk.$1.attn_$2'],
  [/^language_model\.model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj/, 'blk.$1.ffn_$2'],
  [/^language_model\.model\.embed_tokens/, 'token_embd'],
  [/^language_model\.model\.norm/, 'output_norm'],
  [/^language_model\.lm_head/, 'output'],
];

function tensorsOf(prefix: string): Tensor[] {
  return fullSizeShapes()
    .filter(([published]) => published.startsWith(prefix))
    .map(([published, shape]) => {
      const name = NAMES.reduce((text, [pattern, there]) => text.replace(pattern, there), published);
      const isConvolution = name.startsWith('a.conv1d.');
      // A bias of a convolution is added along the frames there.
      const turned = isConvolution && shape.length === 1 ? [...shape, 1] : shape;
      return { name, shape: turned, type: typeOf(name, shape) };
    });
}

/** As our own defaults: the decoder's layers in 4 bits, its head, the embeddings and the encoder in 8. */
function typeOf(name: string, shape: readonly number[]): TensorType {
  if (shape.length === 1) return 'F32';
  if (shape.length === 3) return 'F16';
  return name.startsWith('blk.') ? 'Q4_0' : 'Q8_0';
}

const [WIDTH, FRAMES, HIDDEN, VOCABULARY] = [1280, 1500, 2048, 59_264];

/** It has learned positions, not rotary ones, and says where the audio begins and ends itself. */
const ENCODER_ONLY: readonly Tensor[] = [
  { name: 'a.position_embd.weight', shape: [FRAMES, WIDTH], type: 'F32' },
  { name: 'v.boi', shape: [HIDDEN], type: 'F32' },
  { name: 'v.eoi', shape: [HIDDEN], type: 'F32' },
];

const ENCODER: Readonly<Record<string, Value>> = {
  'general.architecture': 'clip',
  'clip.has_audio_encoder': true,
  'clip.projector_type': 'glma',
  'clip.audio.embedding_length': { u32: WIDTH },
  'clip.audio.feed_forward_length': { u32: 5120 },
  'clip.audio.block_count': { u32: 32 },
  'clip.audio.attention.head_count': { u32: 20 },
  'clip.audio.attention.layer_norm_epsilon': { f32: 1e-5 },
  'clip.audio.projection_dim': { u32: HIDDEN },
  'clip.audio.num_mel_bins': { u32: 128 },
  'clip.audio.projector.stack_factor': { u32: 4 },
};

function decoderMetadata(): Readonly<Record<string, Value>> {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const named = ['<unk>', '<s>', '</s>', ...bytes];
  const tokens = Array.from({ length: VOCABULARY }, (_, index) => named[index] ?? `▁${index}`);
  return {
    'general.architecture': 'llama',
    'llama.block_count': { u32: 28 },
    'llama.context_length': { u32: 8192 },
    'llama.embedding_length': { u32: HIDDEN },
    'llama.feed_forward_length': { u32: 6144 },
    'llama.attention.head_count': { u32: 16 },
    'llama.attention.head_count_kv': { u32: 4 },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: 128 },
    'llama.vocab_size': { u32: VOCABULARY },
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.scores': tokens.map((_, index) => ({ f32: -index })),
    // 1: a word, 2: unknown, 3: a mark, 6: a byte.
    'tokenizer.ggml.token_type': tokens.map((_, index) => ({
      i32: index === 0 ? 2 : index < 3 ? 3 : index < 259 ? 6 : 1,
    })),
    'tokenizer.ggml.bos_token_id': { u32: 1 },
    'tokenizer.ggml.eos_token_id': { u32: 2 },
  };
}
