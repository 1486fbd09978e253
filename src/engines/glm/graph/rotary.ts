import type { Graph } from './onnx.ts';

/** The tables by which positions turn pairs of dimensions: `dimensions / 2` angles for each position. */
export interface RotaryTables {
  readonly cos: string;
  readonly sin: string;
}

export function rotaryTables(graph: Graph, dimensions: number, base: number, positions: number): RotaryTables {
  const half = dimensions / 2;
  const table = (turn: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: positions * half }, (_, index) => {
      const position = Math.floor(index / half);
      return turn(position * base ** ((-2 * (index % half)) / dimensions));
    });
  return {
    cos: graph.constant('rotary.cos', 'float32', [positions, half], table(Math.cos)),
    sin: graph.constant('rotary.sin', 'float32', [positions, half], table(Math.sin)),
  };
}
