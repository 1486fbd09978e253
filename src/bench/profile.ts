/** Adds up a profile by the steps of decoding. */
import type { Profiler } from 'node:inspector';

/** Which files do which step; a function from elsewhere, such as WebAssembly, counts with the file that called it. */
const FILES_OF_STAGE = {
  read: /decode\/(byte-reader|source-file)\.js$/,
  demux: /decode\/(containers\/.*|recognise-format)\.js$/,
  decode: /decode\/codecs\/|node_modules\/(mpg123-decoder|opus-decoder|@wasm-audio-decoders|@audio|@eshaz)\//,
  mix: /decode\/down-mix\.js$/,
  resample: /decode\/(resample|filter-kernel)\.js$/,
  write: /decode\/pcm-writer\.js$/,
  detect: /audio\/vad\/|node_modules\/onnxruntime/,
} as const;

export type Stage = keyof typeof FILES_OF_STAGE | 'rest';

const STAGES = Object.keys(FILES_OF_STAGE) as (keyof typeof FILES_OF_STAGE)[];

export function secondsByStage({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Record<Stage, number> {
  const stages = stageOfNodes(nodes);
  const seconds = { read: 0, demux: 0, decode: 0, mix: 0, resample: 0, write: 0, detect: 0, rest: 0 };
  samples.forEach((node, index) => {
    const stage = stages.get(node);
    // What is left out is the time in which the thread waited.
    if (stage !== undefined) seconds[stage] += (timeDeltas[index] ?? 0) / 1e6;
  });
  return seconds;
}

function stageOfNodes(nodes: readonly Profiler.ProfileNode[]): Map<number, Stage> {
  const stages = new Map<number, Stage>();
  // A node comes before its children.
  for (const { id, callFrame, children = [] } of nodes) {
    const own = STAGES.find((stage) => FILES_OF_STAGE[stage].test(callFrame.url));
    const stage = own ?? stages.get(id) ?? 'rest';
    stages.set(id, stage);
    for (const child of children) stages.set(child, stage);
    if (callFrame.functionName === '(idle)') stages.delete(id);
  }
  return stages;
}
