/**
 * The graph of the language model: embeddings and what was attended to before, to the likeliest next token.
 *
 * Keys and values of earlier positions come in as buffers that the caller owns, longer than they are filled; only those of
 * the new positions go out. Handing the whole cache back at each step takes longer than the step's arithmetic saves.
 */
import type { DecoderSizes } from '../convert/config.ts';
import { Graph } from './onnx.ts';
import { rotaryTables, type RotaryTables } from './rotary.ts';
import { floats, linear, type Format, type WeightStore } from './weights.ts';

export const DECODER = {
  embeddings: 'embeddings',
  positions: 'positions',
  /** For each row of the batch, its filled positions with the new ones, less one. */
  lastPositions: 'last_positions',
  /** The most filled positions of any row, with the new ones. */
  filledMax: 'filled_max',
  logits: 'logits',
  tokens: 'tokens',
  pastKeys: (layer: number) => `past_keys_${layer}`,
  pastValues: (layer: number) => `past_values_${layer}`,
  newKeys: (layer: number) => `new_keys_${layer}`,
  newValues: (layer: number) => `new_values_${layer}`,
} as const;

export interface DecoderPlan {
  readonly sizes: DecoderSizes;
  readonly format: Format;
  readonly headFormat: Format;
  /** Of the tensor whose rows are compared with the last state; the embeddings' where the checkpoint has no other. */
  readonly head: string;
  readonly weightsFile: string;
}

const PREFIX = 'language_model.model.';

export async function buildDecoder(store: WeightStore, plan: DecoderPlan): Promise<Graph> {
  const { sizes, format, headFormat } = plan;
  const graph = new Graph('decoder', plan.weightsFile);
  const embeddings = graph.input(DECODER.embeddings, 'float32', ['batch', 'new', sizes.hidden]);
  const tables = rotaryTables(graph, sizes.headSize, sizes.rotaryBase, sizes.positionsMax);
  const attention: AttentionPlan = {
    sizes,
    format,
    tables,
    positions: graph.input(DECODER.positions, 'int64', ['batch', 'new']),
    lastPositions: graph.input(DECODER.lastPositions, 'int32', ['batch']),
    filledMax: graph.input(DECODER.filledMax, 'int32', []),
  };
  const norm = async (name: string): Promise<string> => floats(graph, store, `${PREFIX}${name}.weight`, [sizes.hidden]);
  const { epsilon } = sizes;

  let sum = embeddings;
  let normed = graph.node('SimplifiedLayerNormalization', [sum, await norm('layers.0.input_layernorm')], {
    axis: -1,
    epsilon,
  });
  /** Adds what a block gave to what goes around it, and norms the sum for the next block. */
  const join = (added: string, weight: string): void => {
    const [next = '', , , total = ''] = graph.nodeOf('SkipSimplifiedLayerNormalization', [sum, added, weight], 4, {
      epsilon,
    });
    normed = next;
    sum = total;
  };
  for (let index = 0; index < sizes.layers; index += 1) {
    const attended = await attend(graph, store, normed, index, attention);
    join(attended, await norm(`layers.${index}.post_attention_layernorm`));
    const written = await feedForward(graph, store, normed, index, plan);
    join(written, await norm(index + 1 < sizes.layers ? `layers.${index + 1}.input_layernorm` : 'norm'));
  }
  // Only the last position is asked for its successor: the table of all tokens is the largest matrix of the model.
  const last = graph.node('Gather', [normed, graph.constant('last', 'int64', [], BigInt64Array.of(-1n))], { axis: 1 });
  const logits = await linear(graph, store, last, {
    name: plan.head.replace(/\.weight$/, ''),
    inputs: sizes.hidden,
    outputs: sizes.vocabulary,
    bias: false,
    format: headFormat,
  });
  graph.rename(logits, DECODER.logits);
  graph.rename(graph.node('ArgMax', [logits], { axis: -1, keepdims: 0 }), DECODER.tokens);
  graph.output(DECODER.logits, 'float32', ['batch', sizes.vocabulary]);
  graph.output(DECODER.tokens, 'int64', ['batch']);
  return graph;
}

interface AttentionPlan {
  readonly sizes: DecoderSizes;
  readonly format: Format;
  readonly tables: RotaryTables;
  readonly positions: string;
  readonly lastPositions: string;
  readonly filledMax: string;
}

/** Attention to earlier positions and to the new ones up to its own; several heads share their keys and values. */
async function attend(graph: Graph, store: WeightStore, x: string, index: number, plan: AttentionPlan) {
  const { sizes, format, tables, positions, lastPositions, filledMax } = plan;
  const { hidden, heads, cacheHeads, headSize } = sizes;
  const project = (part: string, inputs: number, outputs: number, from: string): Promise<string> => {
    const name = `${PREFIX}layers.${index}.self_attn.${part}_proj`;
    return linear(graph, store, from, { name, inputs, outputs, bias: false, format });
  };
  const turn = (value: string, count: number): string =>
    graph.node('RotaryEmbedding', [value, positions, tables.cos, tables.sin], { num_heads: count, interleaved: 0 });

  const queries = turn(await project('q', hidden, heads * headSize, x), heads);
  const keys = turn(await project('k', hidden, cacheHeads * headSize, x), cacheHeads);
  const values = await project('v', hidden, cacheHeads * headSize, x);
  const past = ['batch', cacheHeads, 'capacity', headSize];
  const pastKeys = graph.input(DECODER.pastKeys(index), 'float32', past);
  const pastValues = graph.input(DECODER.pastValues(index), 'float32', past);
  const [attended = ''] = graph.nodeOf(
    'GroupQueryAttention',
    [queries, keys, values, pastKeys, pastValues, lastPositions, filledMax],
    3,
    { num_heads: heads, kv_num_heads: cacheHeads },
  );
  for (const [value, output] of [
    [keys, DECODER.newKeys(index)],
    [values, DECODER.newValues(index)],
  ] as const) {
    graph.rename(value, output);
    graph.output(output, 'float32', ['batch', 'new', cacheHeads * headSize]);
  }
  return project('o', heads * headSize, hidden, attended);
}

async function feedForward(graph: Graph, store: WeightStore, x: string, index: number, plan: DecoderPlan) {
  const { hidden, intermediate } = plan.sizes;
  const project = (part: string, inputs: number, outputs: number, from: string): Promise<string> => {
    const name = `${PREFIX}layers.${index}.mlp.${part}_proj`;
    return linear(graph, store, from, { name, inputs, outputs, bias: false, format: plan.format });
  };
  const gate = graph.node('QuickGelu', [await project('gate', hidden, intermediate, x)], { alpha: 1 });
  const gated = graph.node('Mul', [gate, await project('up', hidden, intermediate, x)]);
  return project('down', intermediate, hidden, gated);
}
