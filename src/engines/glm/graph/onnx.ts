/** An ONNX graph under construction. The weights lie in a file beside it, so that the graph itself stays small. */
import { Message } from './protobuf.ts';

export const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7 } as const;
export type Element = keyof typeof ELEMENT;

/** A name stands for a size that is known only when the graph runs. */
export type Dimension = number | string;

type Attribute = number | string | readonly number[];

/** Attributes that are floating-point numbers even where their value is whole. */
const FLOAT_ATTRIBUTES = new Set(['epsilon', 'scale', 'alpha']);

const ATTRIBUTE = { float: 1, integer: 2, text: 3, integers: 7 } as const;
const IR_VERSION = 10;
const OPSETS = { '': 21, 'com.microsoft': 1 } as const;
/** Operators that onnxruntime adds to the standard's. */
const CONTRIBUTED = new Set([
  'FusedMatMul',
  'GroupQueryAttention',
  'MatMulNBits',
  'MultiHeadAttention',
  'QuickGelu',
  'RotaryEmbedding',
  'SkipSimplifiedLayerNormalization',
]);

/** Where the bytes of a tensor lie in the file of weights. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export class Graph {
  readonly #name: string;
  readonly #weightsFile: string;
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  #names = 0;

  /** @param weightsFile the file's name, beside the graph. */
  constructor(name: string, weightsFile: string) {
    this.#name = name;
    this.#weightsFile = weightsFile;
  }

  input(name: string, element: Element, dimensions: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, element, dimensions));
    return name;
  }

  output(name: string, element: Element, dimensions: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(name, element, dimensions));
  }

  /** A small tensor inside of the graph. */
  constant(name: string, element: Element, dimensions: readonly number[], data: ArrayBufferView): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push(tensor(name, element, dimensions).bytes(9, bytes));
    return name;
  }

  /** A tensor in the file of weights. */
  weight(name: string, element: Element, dimensions: readonly number[], { offset, length }: Extent): string {
    const message = tensor(name, element, dimensions);
    for (const [key, value] of Object.entries({ location: this.#weightsFile, offset, length })) {
      message.message(13, new Message().text(1, key).text(2, String(value)));
    }
    this.#initializers.push(message.integer(14, 1));
    return name;
  }

  /** Adds an operator and gives the name of its one output; an input `''` is left out. */
  node(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const [output = ''] = this.nodeOf(operator, inputs, 1, attributes);
    return output;
  }

  /** The same for an operator with several outputs. */
  nodeOf(
    operator: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): readonly string[] {
    const names = Array.from({ length: outputs }, () => `value_${this.#names++}`);
    this.#addNode(operator, inputs, names, attributes);
    return names;
  }

  /** Gives a value the name of an output. */
  rename(value: string, output: string): void {
    this.#addNode('Identity', [value], [output], {});
  }

  #addNode(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): void {
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, `${operator}_${this.#nodes.length}`).text(4, operator);
    for (const [key, value] of Object.entries(attributes)) node.message(5, attribute(key, value));
    if (CONTRIBUTED.has(operator)) node.text(7, 'com.microsoft');
    this.#nodes.push(node);
  }

  toBytes(): Uint8Array {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, this.#name);
    for (const initializer of this.#initializers) graph.message(5, initializer);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const model = new Message().integer(1, IR_VERSION).text(2, 'earshot').message(7, graph);
    for (const [domain, version] of Object.entries(OPSETS)) {
      model.message(8, new Message().text(1, domain).integer(2, version));
    }
    return model.toBytes();
  }
}

function tensor(name: string, element: Element, dimensions: readonly number[]): Message {
  const message = new Message();
  for (const dimension of dimensions) message.integer(1, dimension);
  return message.integer(2, ELEMENT[element]).text(8, name);
}

function valueInfo(name: string, element: Element, dimensions: readonly Dimension[]): Message {
  const shape = new Message();
  for (const dimension of dimensions) {
    const size = new Message();
    shape.message(1, typeof dimension === 'number' ? size.integer(1, dimension) : size.text(2, dimension));
  }
  const type = new Message().integer(1, ELEMENT[element]).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, type));
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'string') return message.text(4, value).integer(20, ATTRIBUTE.text);
  if (typeof value !== 'number') {
    for (const item of value) message.integer(8, item);
    return message.integer(20, ATTRIBUTE.integers);
  }
  if (FLOAT_ATTRIBUTES.has(name)) return message.float(2, value).integer(20, ATTRIBUTE.float);
  return message.integer(3, value).integer(20, ATTRIBUTE.integer);
}
