/** The tiny checkpoints in the other layouts in which the model was published. */
import { GOLDENS, type Tensor, type Tensors } from './tiny.test-checkpoint.ts';

const FORMER_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^language_model\.model\./, 'model.'],
  [/^language_model\.lm_head\./, 'lm_head.'],
  [/^multi_modal_projector\.linear_1\./, 'audio_encoder.adapting.0.'],
  [/^multi_modal_projector\.linear_2\./, 'audio_encoder.adapting.2.'],
  [/^audio_tower\.norm\./, 'audio_encoder.layer_norm.'],
  [/^(audio_tower\.layers\.\d+\.self_attn\.)o_proj\./, '$1out_proj.'],
  [/^(audio_tower\.layers\.\d+\.)input_layernorm\./, '$1self_attn_layer_norm.'],
  [/^(audio_tower\.layers\.\d+\.)post_attention_layernorm\./, '$1final_layer_norm.'],
  [/^(audio_tower\.layers\.\d+\.)mlp\./, '$1'],
  [/^audio_tower\./, 'audio_encoder.whisper.'],
];

/** The layout from before 27 December 2025, with tensors in it that nobody uses. */
export function formerTensors(tensors: Tensors, order: (tensors: Tensors) => Tensors = inNeighbours): Tensors {
  const renamed = [...order(tensors)].map(
    ([name, tensor]) =>
      [FORMER_NAMES.reduce((text, [pattern, to]) => text.replace(pattern, to), name), tensor] as const,
  );
  const unused: Tensor = { shape: [2, 3], data: new Float32Array(6).fill(9) };
  return new Map([
    ...renamed,
    ['audio_encoder.proj.weight', unused],
    ['audio_encoder.audio_bos_eos_token.weight', unused],
    ['audio_encoder.whisper.embed_positions.weight', unused],
  ]);
}

export function formerConfig(): object {
  const { audio_config: audio, text_config: text } = GOLDENS.config;
  return {
    model_type: 'Glmasr',
    merge_factor: 4,
    use_rope: true,
    whisper_config: {
      d_model: audio['hidden_size'],
      encoder_layers: audio['num_hidden_layers'],
      encoder_attention_heads: audio['num_attention_heads'],
      encoder_ffn_dim: audio['intermediate_size'],
      num_mel_bins: audio['num_mel_bins'],
    },
    lm_config: text,
  };
}

/** What a checkpoint has that a newer library saved again. */
export function resavedTensors(tensors: Tensors): Tensors {
  return new Map(
    [...tensors].map(([name, tensor]) => {
      if (name === 'language_model.lm_head.weight') return ['lm_head.weight', tensor];
      return [`model.${name.replace(/^language_model\.model\./, 'language_model.')}`, tensor];
    }),
  );
}

/** Queries and keys of the encoder with their turned rows as neighbours instead of halves. */
export function inNeighbours(tensors: Tensors): Tensors {
  const { hidden_size: hidden = 0, num_attention_heads: heads = 1 } = GOLDENS.config.audio_config;
  const headRows = hidden / heads;
  const turned = headRows / 2;
  return new Map(
    [...tensors].map(([name, tensor]) => {
      if (!/^audio_tower\..*self_attn\.[qk]_proj\./.test(name)) return [name, tensor];
      const width = tensor.data.length / hidden;
      const data = tensor.data.slice();
      for (let head = 0; head < heads; head += 1) {
        for (let pair = 0; pair < turned / 2; pair += 1) {
          for (const side of [0, 1]) {
            const from = (head * headRows + side * (turned / 2) + pair) * width;
            data.set(tensor.data.subarray(from, from + width), (head * headRows + 2 * pair + side) * width);
          }
        }
      }
      return [name, { ...tensor, data }];
    }),
  );
}
