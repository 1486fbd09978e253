/** How the weights of a graph are stored, and who puts them there. */
import type { Extent, Graph } from './onnx.ts';

export type Bits = 4 | 8;

/** 32-bit floating point, or whole numbers of a few bits with a scale for each block of a row. */
export type Format =
  | { readonly kind: 'fp32' }
  | {
      readonly kind: 'blocks';
      readonly bits: Bits;
      readonly blockSize: number;
      /** 0: inputs stay 32-bit floating point; 4: they are rounded to 8 bits too, which is several times as fast. */
      readonly accuracyLevel: 0 | 4;
    };

/** Takes tensors from a checkpoint by today's names, checks their shapes, and puts them where the graph will find them. */
export interface WeightStore {
  floats(name: string, shape: readonly number[]): Promise<Extent>;
  blocks(
    name: string,
    shape: readonly [number, number],
    bits: Bits,
    blockSize: number,
  ): Promise<{ readonly values: Extent; readonly scales: Extent }>;
}

/** A tensor that the graph takes as it is: a norm's, a bias, a convolution's. */
export async function floats(
  graph: Graph,
  store: WeightStore,
  name: string,
  shape: readonly number[],
): Promise<string> {
  return graph.weight(name, 'float32', shape, await store.floats(name, shape));
}

export interface Linear {
  /** Of the tensors, without `.weight` and `.bias`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly format: Format;
}

/** Adds `x · weightᵀ + bias` to the graph. */
export async function linear(graph: Graph, store: WeightStore, x: string, layer: Linear): Promise<string> {
  const product = await multiply(graph, store, x, layer);
  if (!layer.bias) return product;
  return graph.node('Add', [product, await floats(graph, store, `${layer.name}.bias`, [layer.outputs])]);
}

async function multiply(graph: Graph, store: WeightStore, x: string, layer: Linear): Promise<string> {
  const { name, inputs, outputs, format } = layer;
  const weight = `${name}.weight`;
  if (format.kind === 'fp32') {
    const stored = await floats(graph, store, weight, [outputs, inputs]);
    return graph.node('FusedMatMul', [x, stored], { transB: 1 });
  }
  const { bits, blockSize, accuracyLevel } = format;
  const extents = await store.blocks(weight, [outputs, inputs], bits, blockSize);
  const blocks = Math.ceil(inputs / blockSize);
  const values = graph.weight(weight, 'uint8', [outputs, blocks, (blockSize * bits) / 8], extents.values);
  const scales = graph.weight(`${name}.scales`, 'float32', [outputs, blocks], extents.scales);
  return graph.node('MatMulNBits', [x, values, scales], {
    K: inputs,
    N: outputs,
    bits,
    block_size: blockSize,
    accuracy_level: accuracyLevel,
  });
}
