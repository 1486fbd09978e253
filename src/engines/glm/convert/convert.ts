/**
 * A published checkpoint becomes a folder that the engine loads: two graphs with their weights, the table of embeddings,
 * the tokenizer and a manifest. Tensors pass through one by one. All is written beside the target and takes its name at
 * the end, so that a conversion that was stopped leaves nothing that loads.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FilesError } from '../files-error.ts';
import { samplesPerToken } from '../features/length.ts';
import { buildDecoder, type DecoderPlan } from '../graph/decoder.ts';
import { buildEncoder, type EncoderPlan } from '../graph/encoder.ts';
import type { Graph } from '../graph/onnx.ts';
import type { Format, WeightStore } from '../graph/weights.ts';
import { FILES, type Manifest, type Precision } from '../manifest.ts';
import { EMBEDDINGS, HEAD, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { readCheckpointConfig, type CheckpointConfig } from './config.ts';
import { createCountingStore, createWritingStore, type Work } from './weight-stores.ts';
import { WeightsFile, type WrittenFile } from './weights-file.ts';

export interface ConversionOptions {
  readonly from: string;
  readonly to: string;
  readonly precision: Omit<Precision, 'accuracy_level'>;
  /** 4, unless somebody wants to see the arithmetic without its rounding of inputs. */
  readonly accuracyLevel?: 0 | 4;
  /** Takes the share that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export interface Conversion {
  readonly manifest: Manifest;
  /** What the owner should know, in sentences. */
  readonly warnings: readonly string[];
}

/** Values that share a scale. */
const BLOCK_SIZE = { encoder: 32, decoder: 32, head: 32 } as const;

/** Beyond the weights: graphs, tokenizer, and the system's own need. */
const SPARE_BYTES = 64 * 2 ** 20;

const PROJECTOR = 'multi_modal_projector.linear_1.weight';

/** Throws a `FilesError` where the checkpoint is not as it should be, the target exists or the disk is too small. */
export async function convert(options: ConversionOptions): Promise<Conversion> {
  const from = resolve(options.from);
  const to = resolve(options.to);
  if ((await stat(to).catch(() => null)) !== null) throw new FilesError(`${to} exists already; name another folder.`);
  const config = await readCheckpointConfig(from);
  await using checkpoint = await openCheckpoint(from, config.encoder);
  const plan = planOf(checkpoint, config, options);
  const work = await countWork(checkpoint, plan);
  await mkdir(dirname(to), { recursive: true });
  await requireSpace(dirname(to), work.bytes + SPARE_BYTES);
  const draft = `${to}.partial`;
  // Left by a conversion that was stopped.
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft);
  try {
    const conversion = await writeModel(draft, from, checkpoint, plan, work, options.onProgress);
    await rename(draft, to);
    return conversion;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new FilesError(`The disk of ${dirname(to)} is full; the conversion needs ${gigabytes(work.bytes)}.`, {
        cause: error,
      });
    throw error;
  }
}

interface Plan {
  readonly config: CheckpointConfig;
  readonly precision: Precision;
  readonly encoder: EncoderPlan;
  readonly decoder: DecoderPlan;
}

function planOf(checkpoint: Checkpoint, config: CheckpointConfig, options: ConversionOptions): Plan {
  const { encoder, decoder } = config;
  const precision: Precision = { ...options.precision, accuracy_level: options.accuracyLevel ?? 4 };
  const format = (part: 'encoder' | 'decoder' | 'head'): Format => {
    const kind = precision[part];
    if (kind === 'fp32') return { kind };
    const bits = kind === 'int4' ? 4 : 8;
    return { kind: 'blocks', bits, blockSize: BLOCK_SIZE[part], accuracyLevel: precision.accuracy_level };
  };
  const [projectorHidden = 0, merged = 0] = checkpoint.shapeOf(PROJECTOR);
  const merge = merged / encoder.hidden;
  if (!Number.isInteger(merge) || merge === 0)
    throw new FilesError(`The tensor ${PROJECTOR} takes ${merged} values: no whole number of encoder states.`);
  return {
    config,
    precision,
    encoder: {
      sizes: encoder,
      merge,
      projectorHidden,
      embedding: decoder.hidden,
      format: format('encoder'),
      weightsFile: FILES.encoderWeights,
    },
    decoder: {
      sizes: decoder,
      format: format('decoder'),
      headFormat: format('head'),
      // A checkpoint in which both tables are one is saved with the embeddings alone.
      head: checkpoint.has(HEAD) ? HEAD : EMBEDDINGS,
      weightsFile: FILES.decoderWeights,
    },
  };
}

async function countWork(checkpoint: Checkpoint, plan: Plan): Promise<Work> {
  const work: Work = { values: 0, bytes: 0 };
  const store = createCountingStore(checkpoint, work);
  await buildEncoder(store, plan.encoder);
  await buildDecoder(store, plan.decoder);
  const { vocabulary, hidden } = plan.config.decoder;
  checkpoint.expect(EMBEDDINGS, [vocabulary, hidden]);
  work.bytes += vocabulary * hidden * 4;
  return work;
}

async function requireSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  throw new FilesError(
    `The conversion needs ${gigabytes(bytes)} on the disk of ${directory}, which has ${gigabytes(bavail * bsize)} left.`,
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

async function writeModel(
  directory: string,
  from: string,
  checkpoint: Checkpoint,
  plan: Plan,
  work: Work,
  onProgress: (share: number) => void = () => {},
): Promise<Conversion> {
  let done = 0;
  const onValues = (count: number): void => onProgress((done += count) / work.values);
  const files: Record<string, WrittenFile> = {};
  const writeGraph = async (name: string, weights: string, build: (store: WeightStore) => Promise<Graph>) => {
    await using file = await WeightsFile.create(join(directory, weights));
    const graph = await build(createWritingStore(checkpoint, file, onValues));
    files[weights] = await file.finish();
    files[name] = await writeSmall(join(directory, name), graph.toBytes());
  };
  await writeGraph(FILES.encoder, FILES.encoderWeights, (store) => buildEncoder(store, plan.encoder));
  await writeGraph(FILES.decoder, FILES.decoderWeights, (store) => buildDecoder(store, plan.decoder));
  files[FILES.embeddings] = await writeEmbeddings(join(directory, FILES.embeddings), checkpoint);
  const warnings: string[] = [];
  const tokenizer = await copyTokenizer(from, directory);
  if (tokenizer === null)
    warnings.push(`${from} has no ${FILES.tokenizer}: the model can be verified, but writes no text.`);
  else files[FILES.tokenizer] = tokenizer;
  const manifest = manifestOf(checkpoint, plan, tokenizer !== null, files);
  await writeSmall(join(directory, FILES.manifest), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  return { manifest, warnings };
}

/** The embeddings stay outside of the graph, as they are stored: of their many rows, a text needs a few. */
async function writeEmbeddings(path: string, checkpoint: Checkpoint): Promise<WrittenFile> {
  await using file = await WeightsFile.create(path);
  await file.tensor(checkpoint.bytes(EMBEDDINGS));
  return file.finish();
}

async function copyTokenizer(from: string, to: string): Promise<WrittenFile | null> {
  const source = join(from, FILES.tokenizer);
  if ((await stat(source).catch(() => null)) === null) return null;
  await copyFile(source, join(to, FILES.tokenizer));
  return written(await readFile(source));
}

async function writeSmall(path: string, bytes: Uint8Array): Promise<WrittenFile> {
  await writeFile(path, bytes);
  return written(bytes);
}

function written(bytes: Uint8Array): WrittenFile {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function manifestOf(
  checkpoint: Checkpoint,
  { config, precision, encoder }: Plan,
  tokenizer: boolean,
  files: Record<string, WrittenFile>,
): Manifest {
  const { decoder } = config;
  return {
    format: 1,
    model: 'glm-asr-nano-2512',
    layout: checkpoint.layout,
    precision,
    encoder: {
      bands: config.encoder.bands,
      hidden: config.encoder.hidden,
      merge: encoder.merge,
      window_samples_max: Math.floor(config.encoder.positionsMax / encoder.merge) * samplesPerToken(encoder.merge),
    },
    decoder: {
      hidden: decoder.hidden,
      layers: decoder.layers,
      cache_heads: decoder.cacheHeads,
      head_size: decoder.headSize,
      vocabulary: decoder.vocabulary,
      positions_max: decoder.positionsMax,
      end_tokens: [...config.endTokens],
    },
    embeddings: checkpoint.typeOf(EMBEDDINGS),
    tokenizer,
    files,
  };
}
