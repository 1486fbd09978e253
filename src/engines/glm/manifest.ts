/** What a converted model's folder holds, and how it was made: the file that is written last. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FilesError } from './files-error.ts';

export const FILES = {
  manifest: 'manifest.json',
  encoder: 'encoder.onnx',
  encoderWeights: 'encoder.weights',
  decoder: 'decoder.onnx',
  decoderWeights: 'decoder.weights',
  embeddings: 'embeddings.bin',
  tokenizer: 'tokenizer.json',
} as const;

const size = z.int().min(1);

const manifestSchema = z.strictObject({
  format: z.literal(1),
  model: z.literal('glm-asr-nano-2512'),
  /** The layout of the checkpoint that it was made from. */
  layout: z.enum(['today', 'former']),
  precision: z.strictObject({
    encoder: z.enum(['fp32', 'int8']),
    decoder: z.enum(['fp32', 'int8', 'int4']),
    head: z.enum(['fp32', 'int8']),
    accuracy_level: z.union([z.literal(0), z.literal(4)]),
  }),
  encoder: z.strictObject({
    bands: size,
    hidden: size,
    /** Encoder states that become one embedding. */
    merge: size,
    /** The longest window in samples. */
    window_samples_max: size,
  }),
  decoder: z.strictObject({
    hidden: size,
    layers: size,
    cache_heads: size,
    head_size: size,
    vocabulary: size,
    positions_max: size,
    end_tokens: z.array(z.int().min(0)).min(1),
  }),
  embeddings: z.enum(['F32', 'F16', 'BF16']),
  /** False where the checkpoint had no `tokenizer.json`: then it can only be compared with numbers, and writes no text. */
  tokenizer: z.boolean(),
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Precision = Manifest['precision'];

/** Reads the manifest and looks whether every file is there in its full length. Throws a `FilesError`. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, FILES.manifest);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new FilesError(
      `${path} cannot be read. Make the model with \`earshot model convert --from CHECKPOINT --to ${directory}\`.`,
      { cause: error },
    );
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FilesError(`${path}: ${issue?.path.join('.')}: ${issue?.message}. Convert the model again.`);
  }
  for (const [name, { bytes }] of Object.entries(parsed.data.files)) {
    const found = statSync(join(directory, name), { throwIfNoEntry: false })?.size;
    if (found === bytes) continue;
    const what = found === undefined ? 'is missing' : `has ${found} bytes instead of ${bytes}`;
    throw new FilesError(`${join(directory, name)} ${what}. Convert the model again.`);
  }
  return parsed.data;
}

/** Such as `encoder int8, decoder int4, head int8`. */
export function describePrecision({ encoder, decoder, head }: Precision): string {
  return `encoder ${encoder}, decoder ${decoder}, head ${head}`;
}

export function bytesOf(manifest: Manifest): number {
  return Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0);
}
