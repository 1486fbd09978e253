/** Compares a converted model with the numbers of a reference: the same audio and prompt, stage by stage. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ExtractLogMel } from '../features/log-mel.ts';
import { FilesError } from '../files-error.ts';
import { readManifest } from '../manifest.ts';
import { loadDecoder } from '../model/decoder.ts';
import { openEmbeddingTable } from '../model/embedding-table.ts';
import { loadEncoder } from '../model/encoder.ts';
import { joined } from '../model/joined.ts';

/** The largest absolute difference of each stage. */
export interface OracleDifferences {
  readonly mel: number;
  readonly encoder: number;
  readonly projector: number;
  readonly logits: number;
  /** Whether the likeliest token is the reference's at every step. */
  readonly ids_equal: boolean;
}

/** What a reference gives: input, and what should come out. */
export interface Oracle {
  readonly samples: Float32Array;
  readonly prompt: { readonly before: readonly number[]; readonly after: readonly number[] };
  readonly windowSamples: number;
  /** What the reference wrote; it is fed step by step, whatever the model would rather write. */
  readonly tokens: readonly number[];
  readonly stages: OracleStages;
}

/** Takes the largest difference of a stage's values to the reference's. */
export interface OracleStages {
  mel(values: Float32Array): number;
  encoder(values: Float32Array): number;
  projector(values: Float32Array): number;
  logits(step: number, values: Float32Array): number;
}

const array = z.object({ shape: z.array(z.int().min(0)), data: z.array(z.number()) });
const promptSchema = z.object({ before: z.array(z.int().min(0)), after: z.array(z.int().min(0)) });
const expectedSchema = z.object({
  window_samples: z.int().min(0),
  token_ids: z.array(z.int().min(0)).min(1),
  mel: array,
  encoder: array,
  projector: array,
  logits: array,
});

/** Reads `audio.f32`, `prompt.json` and `expected.json`. */
export function readOracle(directory: string): Oracle {
  const read = <T>(name: string, schema: z.ZodType<T>): T => {
    try {
      return schema.parse(JSON.parse(readFileSync(join(directory, name), 'utf8')));
    } catch (error) {
      throw new FilesError(`${join(directory, name)} is not as an oracle writes it.`, { cause: error });
    }
  };
  const expected = read('expected.json', expectedSchema);
  const { logits } = expected;
  const width = logits.shape.at(-1) ?? 0;
  const compare = (values: Float32Array, { data }: { data: readonly number[] }): number =>
    largestDifference(values, data);
  return {
    samples: readSamples(join(directory, 'audio.f32')),
    prompt: read('prompt.json', promptSchema),
    windowSamples: expected.window_samples,
    tokens: expected.token_ids,
    stages: {
      mel: (values) => compare(values, expected.mel),
      encoder: (values) => compare(values, expected.encoder),
      projector: (values) => compare(values, expected.projector),
      logits: (step, values) => largestDifference(values, logits.data.slice(step * width, (step + 1) * width)),
    },
  };
}

export interface CompareOptions {
  readonly threads: number;
  readonly extract?: ExtractLogMel;
}

/** Loads the model in this process and runs it once. */
export async function compareWithOracle(
  directory: string,
  { samples, prompt, windowSamples, tokens, stages }: Oracle,
  { threads, extract }: CompareOptions,
): Promise<OracleDifferences> {
  const manifest = readManifest(directory);
  const encoder = await loadEncoder(directory, manifest, threads, extract);
  const decoder = await loadDecoder(directory, manifest, threads);
  using table = openEmbeddingTable(directory, manifest);
  try {
    const { features, states, embeddings, tokens: audioTokens } = await encoder.inspect(samples, windowSamples);
    const batch = decoder.batch(1, prompt.before.length + audioTokens + prompt.after.length + tokens.length);
    const text = batch.begin();
    let next = joined([table.rows(prompt.before), embeddings, table.rows(prompt.after)]);
    let logitsDifference = 0;
    let idsEqual = true;
    for (const [step, expectedToken] of tokens.entries()) {
      const { token, logits = new Float32Array(0) } = await batch.read(text, next, true);
      logitsDifference = Math.max(logitsDifference, stages.logits(step, logits));
      idsEqual &&= token === expectedToken;
      next = table.rows([expectedToken]);
    }
    return {
      mel: stages.mel(features.data),
      encoder: stages.encoder(states),
      projector: stages.projector(embeddings),
      logits: logitsDifference,
      ids_equal: idsEqual,
    };
  } finally {
    await encoder.release();
    await decoder.release();
  }
}

/** Infinite where the lengths differ or a value is no number. */
export function largestDifference(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (values.length !== expected.length) return Infinity;
  let largest = 0;
  for (let index = 0; index < values.length; index += 1) {
    const difference = Math.abs((values[index] ?? NaN) - (expected[index] ?? NaN));
    largest = Math.max(largest, Number.isNaN(difference) ? Infinity : difference);
  }
  return largest;
}

function readSamples(path: string): Float32Array {
  try {
    const bytes = readFileSync(path);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
  } catch (error) {
    throw new FilesError(`${path} cannot be read.`, { cause: error });
  }
}
