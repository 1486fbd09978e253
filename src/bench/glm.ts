/** GLM-ASR-Nano at its full size with random weights: conversion, encoder, reading the prompt, writing; time and memory. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert } from '../engines/glm/convert/convert.ts';
import { readManifest, type Precision } from '../engines/glm/manifest.ts';
import { loadDecoder } from '../engines/glm/model/decoder.ts';
import { openEmbeddingTable } from '../engines/glm/model/embedding-table.ts';
import { loadEncoder } from '../engines/glm/model/encoder.ts';
import type { Bench, Figure } from './figure.ts';
import { fullSizeShapes } from './glm-shapes.ts';
import { measureLlamaCpp } from './llama-cpp.ts';

export const glmBench: Bench = { name: 'glm', run };

const WINDOW_SAMPLES = 480_000;
/** A window of audio, and the words around it. */
const PROMPT_TOKENS = 395;
const STEPS = 48;
const BATCHES = [1, 2, 4];
const SPACE_BYTES = 9e9;
const PRECISION: Omit<Precision, 'accuracy_level'> = { encoder: 'int8', decoder: 'int4', head: 'int8' };

async function run(): Promise<readonly Figure[]> {
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < SPACE_BYTES) {
    process.stderr.write(`This needs ${SPACE_BYTES / 1e9} GB in ${tmpdir()}.\n`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'earshot-bench-'));
  const figures: Figure[] = [];
  const note = (quantity: string, value: number, unit: string): void => {
    const subject = `GLM-ASR-Nano, ${availableParallelism()} threads`;
    figures.push({ subject, quantity, value, unit });
    process.stderr.write(`${quantity}: ${value.toFixed(2)} ${unit}\n`);
  };
  try {
    writeRandomCheckpoint(folder);
    const model = join(folder, 'model');
    await timed(note, 'conversion', () => convert({ from: folder, to: model, precision: PRECISION }));
    rmSync(join(folder, 'model.safetensors'));
    note('conversion, peak memory', peakMib(), 'MiB');
    await measureEncoder(model, note);
    await measureDecoder(model, note);
    note('encoder and decoder, peak memory', peakMib(), 'MiB');
    const counts = { promptTokens: PROMPT_TOKENS, newTokens: STEPS };
    return [...figures, ...(await measureLlamaCpp(folder, windowSamples(), counts))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Note = (quantity: string, value: number, unit: string) => void;

async function timed<T>(note: Note, quantity: string, work: () => Promise<T>): Promise<T> {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  note(quantity, (performance.now() - startMs) / 1000, 's');
  note(`${quantity}, processor time`, (user + system) / 1e6, 'CPU s');
  return result;
}

async function measureEncoder(model: string, note: Note): Promise<void> {
  const encoder = await timed(note, 'encoder, load', () =>
    loadEncoder(model, readManifest(model), availableParallelism()),
  );
  const samples = windowSamples();
  await encoder.encode(samples, WINDOW_SAMPLES);
  await timed(note, 'encoder, 30 s', () => encoder.encode(samples, WINDOW_SAMPLES));
}

function windowSamples(): Float32Array {
  return Float32Array.from({ length: WINDOW_SAMPLES }, (_, index) => 0.3 * Math.sin((index * index) / 1e6));
}

/** The encoder stays loaded meanwhile, as in the engine. */
async function measureDecoder(model: string, note: Note): Promise<void> {
  const manifest = readManifest(model);
  const decoder = await timed(note, 'decoder, load', () => loadDecoder(model, manifest, availableParallelism()));
  using table = openEmbeddingTable(model, manifest);
  const prompt = table.rows(Array.from({ length: PROMPT_TOKENS }, (_, index) => (index * 17) % 59_000));
  for (const size of BATCHES) {
    const batch = decoder.batch(size, PROMPT_TOKENS + STEPS + 1);
    let tokens: number[] = [];
    for (let text = 0; text < size; text += 1) {
      const read = (): Promise<{ readonly token: number }> => batch.read(batch.begin(), prompt);
      tokens.push((size === 1 ? await timed(note, `prefill, ${PROMPT_TOKENS} tokens`, read) : await read()).token);
    }
    const startMs = performance.now();
    for (let step = 0; step < STEPS; step += 1)
      tokens = (await batch.step(table.rows(tokens))).map(({ token }) => token);
    note(`writing, ${size} side by side`, (STEPS * size * 1000) / (performance.now() - startMs), 'tokens/s');
  }
}

/** Of this process so far; 0 where the system does not say. */
function peakMib(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

/** Values of a random sign and size, in 16 bits as they are published. */
function writeRandomCheckpoint(folder: string): void {
  const shapes = fullSizeShapes();
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, shape] of shapes) {
    const bytes = shape.reduce((product, size) => product * size, 2);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  const file = openSync(join(folder, 'model.safetensors'), 'wx');
  writeSync(file, Buffer.concat([length, head]));
  let state = 1;
  const part = new Uint16Array(2 ** 21);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (const [name, shape] of shapes) {
    const width = shape.slice(1).reduce((product, size) => product * size, 1);
    const isNorm = name.includes('norm') && name.endsWith('weight');
    const spread = shape.length === 1 ? 0.3 : Math.sqrt(3 / width);
    for (let left = (shape[0] ?? 0) * width; left > 0; left -= part.length) {
      for (let index = 0; index < Math.min(left, part.length); index += 1) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        float[0] = (isNorm ? 1 : 0) + (spread * state) / 2 ** 31;
        part[index] = (bits[0] ?? 0) >>> 16;
      }
      writeSync(file, new Uint8Array(part.buffer, 0, 2 * Math.min(left, part.length)));
    }
  }
  closeSync(file);
  const config = { model_type: 'glmasr', audio_config: {}, text_config: {} };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
}
