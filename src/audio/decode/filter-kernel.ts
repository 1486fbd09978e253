/**
 * The inner loop of resampling, written directly in WebAssembly: its vector instructions multiply four samples at a time,
 * which JavaScript cannot, and this loop would otherwise cost more than most of the decoders that feed it.
 */

export interface FilterKernel {
  /** Where the module reads and writes, as single-precision samples. */
  readonly memory: Float32Array;
  /**
   * Writes samples from byte `out` up to `outEnd`, at least one. Each is the sum of products of `tapBytes` bytes of
   * samples from `data` on with the taps of the current phase; then `data` moves on by `stepBytes` and the phase by
   * `stepPhase`, and where the phase reaches `phaseCount` it starts over, one sample further on. `tapBytes` is a multiple
   * of 32, and all positions are in bytes.
   */
  filter(
    data: number,
    taps: number,
    out: number,
    outEnd: number,
    tapBytes: number,
    phaseCount: number,
    phase: number,
    stepBytes: number,
    stepPhase: number,
  ): void;
}

/** What this file uses of the global; the library of types for Node alone leaves it out. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

const PAGE_BYTES = 1 << 16;

export function createFilterKernel(byteCount: number): FilterKernel {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(byteCount / PAGE_BYTES) });
  const instance = new WebAssembly.Instance(compiled(), { host: { memory } });
  return { memory: new Float32Array(memory.buffer), filter: instance.exports['filter'] as FilterKernel['filter'] };
}

let module: object | null = null;

/** The same for all, so that it is compiled once. */
function compiled(): object {
  module ??= new WebAssembly.Module(assemble());
  return module;
}

const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;

/** The function's parameters in order, then its own variables. */
const DATA = 0;
const TAPS = 1;
const OUT = 2;
const OUT_END = 3;
const TAP_BYTES = 4;
const PHASE_COUNT = 5;
const PHASE = 6;
const STEP_BYTES = 7;
const STEP_PHASE = 8;
const SAMPLE = 9;
const TAP = 10;
const TAP_END = 11;
const EVEN = 12;
const ODD = 13;
const PARAMETER_COUNT = 9;

const get = (variable: number): number[] => [0x20, variable];
const set = (variable: number): number[] => [0x21, variable];
const constant = (value: number): number[] => [0x41, value];
const loop = (...body: number[][]): number[] => [0x03, VOID, ...body.flat(), 0x0b];
const whenTrue = (...body: number[][]): number[] => [0x04, VOID, ...body.flat(), 0x0b];
const AGAIN = [0x0d, 0];
const ADD = [0x6a];
const SUBTRACT = [0x6b];
const MULTIPLY = [0x6c];
const IS_LESS = [0x49];
const IS_NOT_LESS = [0x4f];
const ADD_F32 = [0x92];
const STORE_F32 = [0x38, 2, 0];
const NO_VECTOR = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)];
const ADD_VECTORS = [0xfd, 0xe4, 0x01];
const MULTIPLY_VECTORS = [0xfd, 0xe6, 0x01];
const loadVector = (offset: number): number[] => [0xfd, 0x00, 2, offset];
const lane = (index: number): number[] => [0xfd, 0x1f, index];

const advance = (variable: number, by: number[]): number[] => [...get(variable), ...by, ...ADD, ...set(variable)];
const addProducts = (sum: number, offset: number): number[] => [
  ...get(sum),
  ...get(SAMPLE),
  ...loadVector(offset),
  ...get(TAP),
  ...loadVector(offset),
  ...MULTIPLY_VECTORS,
  ...ADD_VECTORS,
  ...set(sum),
];
const laneOfSum = (index: number): number[] => [...get(EVEN), ...lane(index)];

const FILTER = loop(
  [...NO_VECTOR, ...set(EVEN), ...NO_VECTOR, ...set(ODD), ...get(DATA), ...set(SAMPLE)],
  [...get(TAPS), ...get(PHASE), ...get(TAP_BYTES), ...MULTIPLY, ...ADD, ...set(TAP)],
  [...get(TAP), ...get(TAP_BYTES), ...ADD, ...set(TAP_END)],
  loop(
    // Two sums in turn, so that one addition need not wait for the other.
    addProducts(EVEN, 0),
    addProducts(ODD, 16),
    advance(SAMPLE, constant(32)),
    advance(TAP, constant(32)),
    [...get(TAP), ...get(TAP_END), ...IS_LESS, ...AGAIN],
  ),
  [...get(EVEN), ...get(ODD), ...ADD_VECTORS, ...set(EVEN)],
  [...get(OUT), ...laneOfSum(0), ...laneOfSum(1), ...ADD_F32, ...laneOfSum(2), ...laneOfSum(3), ...ADD_F32, ...ADD_F32],
  STORE_F32,
  advance(DATA, get(STEP_BYTES)),
  advance(PHASE, get(STEP_PHASE)),
  [...get(PHASE), ...get(PHASE_COUNT), ...IS_NOT_LESS],
  whenTrue([...get(PHASE), ...get(PHASE_COUNT), ...SUBTRACT, ...set(PHASE)], advance(DATA, constant(4))),
  advance(OUT, constant(4)),
  [...get(OUT), ...get(OUT_END), ...IS_LESS, ...AGAIN],
);

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A module with the one function, in the binary format: sections with their length in front. */
function assemble(): Uint8Array<ArrayBuffer> {
  const locals = [2, 3, I32, 2, V128];
  const body = [...locals, ...FILTER, 0x0b];
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, [1, 0x60, PARAMETER_COUNT, ...Array.from({ length: PARAMETER_COUNT }, () => I32), 0]),
    ...section(2, [1, ...name('host'), ...name('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('filter'), 0x00, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

/** Seven bits a byte, the lowest first. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
