/** The graph of the encoder and the projector: features of a window to one embedding for each 80 ms. */
import type { EncoderSizes } from '../convert/config.ts';
import { Graph } from './onnx.ts';
import { rotaryTables, type RotaryTables } from './rotary.ts';
import { floats, linear, type Format, type WeightStore } from './weights.ts';

export const ENCODER = { features: 'features', states: 'states', embeddings: 'embeddings' } as const;

export interface EncoderPlan {
  readonly sizes: EncoderSizes;
  /** Encoder states that the projector joins into one embedding. */
  readonly merge: number;
  readonly projectorHidden: number;
  /** Dimensions of an embedding: the decoder's. */
  readonly embedding: number;
  readonly format: Format;
  readonly weightsFile: string;
}

export async function buildEncoder(store: WeightStore, plan: EncoderPlan): Promise<Graph> {
  const { sizes, merge, projectorHidden, embedding, format } = plan;
  const graph = new Graph('encoder', plan.weightsFile);
  const features = graph.input(ENCODER.features, 'float32', ['batch', sizes.bands, 'frames']);
  let states = await convolve(graph, store, features, sizes);
  const tables = sizes.rotary > 0 ? rotaryTables(graph, sizes.rotary, sizes.rotaryBase, sizes.positionsMax) : null;
  // Positions count from zero in every row of the batch.
  const start = graph.constant('rotary.start', 'int64', [1], BigInt64Array.of(0n));
  const turn = (x: string): string => (tables === null ? x : rotate(graph, x, start, tables, sizes));
  for (let index = 0; index < sizes.layers; index += 1) {
    states = await addLayer(graph, store, states, `audio_tower.layers.${index}.`, { sizes, format, turn });
  }
  states = await layerNorm(graph, store, states, 'audio_tower.norm', sizes);
  graph.rename(states, ENCODER.states);
  graph.output(ENCODER.states, 'float32', ['batch', 'positions', sizes.hidden]);

  const merged = sizes.hidden * merge;
  const shape = graph.constant('merged.shape', 'int64', [3], BigInt64Array.of(0n, -1n, BigInt(merged)));
  const name = 'multi_modal_projector.linear_';
  const joined = graph.node('Reshape', [states, shape]);
  const first = { name: `${name}1`, inputs: merged, outputs: projectorHidden, bias: true, format };
  const hidden = graph.node('Gelu', [await linear(graph, store, joined, first)]);
  const second = { name: `${name}2`, inputs: projectorHidden, outputs: embedding, bias: true, format };
  graph.rename(await linear(graph, store, hidden, second), ENCODER.embeddings);
  graph.output(ENCODER.embeddings, 'float32', ['batch', 'tokens', embedding]);
  return graph;
}

/** Two convolutions over time, the second of which takes every other frame; then time before dimensions. */
async function convolve(graph: Graph, store: WeightStore, features: string, sizes: EncoderSizes): Promise<string> {
  const { bands, hidden } = sizes;
  const convolution = async (x: string, name: string, channels: number, stride: number): Promise<string> => {
    const weight = await floats(graph, store, `${name}.weight`, [hidden, channels, 3]);
    const bias = await floats(graph, store, `${name}.bias`, [hidden]);
    const convolved = graph.node('Conv', [x, weight, bias], { kernel_shape: [3], pads: [1, 1], strides: [stride] });
    return graph.node('Gelu', [convolved]);
  };
  const first = await convolution(features, 'audio_tower.conv1', bands, 1);
  const second = await convolution(first, 'audio_tower.conv2', hidden, 2);
  return graph.node('Transpose', [second], { perm: [0, 2, 1] });
}

interface LayerPlan {
  readonly sizes: EncoderSizes;
  readonly format: Format;
  readonly turn: (x: string) => string;
}

/** Attention over the whole window in both directions, then two linear layers; each beside a way around it. */
async function addLayer(
  graph: Graph,
  store: WeightStore,
  states: string,
  prefix: string,
  { sizes, format, turn }: LayerPlan,
): Promise<string> {
  const { hidden, heads, intermediate } = sizes;
  const square = (x: string, part: string, bias: boolean): Promise<string> =>
    linear(graph, store, x, { name: `${prefix}self_attn.${part}_proj`, inputs: hidden, outputs: hidden, bias, format });

  const normed = await layerNorm(graph, store, states, `${prefix}input_layernorm`, sizes);
  const queries = turn(await square(normed, 'q', true));
  const keys = turn(await square(normed, 'k', false));
  const values = await square(normed, 'v', true);
  const attended = graph.node('MultiHeadAttention', [queries, keys, values], { num_heads: heads });
  const heard = graph.node('Add', [states, await square(attended, 'o', true)]);

  const normedAgain = await layerNorm(graph, store, heard, `${prefix}post_attention_layernorm`, sizes);
  const wide = { name: `${prefix}mlp.fc1`, inputs: hidden, outputs: intermediate, bias: true, format };
  const activated = graph.node('Gelu', [await linear(graph, store, normedAgain, wide)]);
  const narrow = { name: `${prefix}mlp.fc2`, inputs: intermediate, outputs: hidden, bias: true, format };
  return graph.node('Add', [heard, await linear(graph, store, activated, narrow)]);
}

async function layerNorm(graph: Graph, store: WeightStore, x: string, name: string, sizes: EncoderSizes) {
  const weight = await floats(graph, store, `${name}.weight`, [sizes.hidden]);
  const bias = await floats(graph, store, `${name}.bias`, [sizes.hidden]);
  return graph.node('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: sizes.epsilon });
}

function rotate(graph: Graph, x: string, start: string, { cos, sin }: RotaryTables, sizes: EncoderSizes): string {
  const whole = sizes.rotary === sizes.hidden / sizes.heads;
  return graph.node('RotaryEmbedding', [x, start, cos, sin], {
    num_heads: sizes.heads,
    // The operator takes 0 for all of a head's dimensions.
    rotary_embedding_dim: whole ? 0 : sizes.rotary,
    interleaved: 0,
  });
}
