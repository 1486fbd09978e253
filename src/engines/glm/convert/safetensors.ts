/** Reads tensors from safetensors files, row by row, so that none has to fit into memory. */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { FilesError } from '../files-error.ts';
import { toFloat32, WIDTH, type StoredType } from './stored-types.ts';

export interface StoredTensor {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly file: FileHandle;
  /** Of its first byte in the file. */
  readonly offset: number;
}

/** All tensors of a checkpoint, by the names in its files. Disposing it closes them. */
export interface TensorFiles extends AsyncDisposable {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const WHOLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

const HEADER_BYTES_MAX = 100_000_000;
const LENGTH_BYTES = 8;

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.string(),
    shape: z.array(z.int().min(0)),
    data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
  }),
);
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Opens `model.safetensors`, or every file that its index names. */
export async function openTensorFiles(directory: string): Promise<TensorFiles> {
  const files: FileHandle[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of await fileNames(directory)) {
      const file = await openFile(directory, name);
      files.push(file);
      for (const tensor of await readHeader(file, name)) tensors.set(tensor.name, tensor);
    }
    return { tensors, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rows `start` to `end` of a tensor as 32-bit floating point; a row is all that lies below the first dimension. */
export async function readRows(tensor: StoredTensor, start: number, end: number): Promise<Float32Array> {
  return toFloat32(await readRowBytes(tensor, start, end), tensor.type);
}

/** The same rows as they are stored. */
export async function readRowBytes(tensor: StoredTensor, start: number, end: number): Promise<Uint8Array> {
  const rowBytes = rowValues(tensor) * WIDTH[tensor.type];
  const bytes = new Uint8Array((end - start) * rowBytes);
  await readFully(tensor.file, bytes, tensor.offset + start * rowBytes, tensor.name);
  return bytes;
}

export function rowValues({ shape }: StoredTensor): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

async function fileNames(directory: string): Promise<readonly string[]> {
  const index = await readFile(join(directory, INDEX_FILE), 'utf8').catch(() => null);
  if (index === null) return [WHOLE_FILE];
  const parsed = indexSchema.safeParse(parseJson(index, INDEX_FILE));
  if (!parsed.success) throw new FilesError(`${INDEX_FILE} is no index of safetensors files.`);
  const names = [...new Set(Object.values(parsed.data.weight_map))];
  const elsewhere = names.find((name) => name !== basename(name));
  if (elsewhere !== undefined)
    throw new FilesError(`${INDEX_FILE} names "${elsewhere}", which lies in another folder.`);
  return names;
}

async function openFile(directory: string, name: string): Promise<FileHandle> {
  try {
    return await open(join(directory, name));
  } catch (error) {
    throw new FilesError(`${join(directory, name)} cannot be read; is the checkpoint complete?`, { cause: error });
  }
}

async function readHeader(file: FileHandle, name: string): Promise<StoredTensor[]> {
  const { size } = await file.stat();
  if (size < LENGTH_BYTES) throw new FilesError(`${name} is no safetensors file.`);
  const length = new Uint8Array(LENGTH_BYTES);
  await readFully(file, length, 0, name);
  const headerBytes = Number(new DataView(length.buffer).getBigUint64(0, true));
  if (headerBytes > HEADER_BYTES_MAX || LENGTH_BYTES + headerBytes > size)
    throw new FilesError(`${name} is no safetensors file, or it is cut off.`);
  const header = new Uint8Array(headerBytes);
  await readFully(file, header, LENGTH_BYTES, name);
  const { __metadata__: _, ...entries } = parseJson(Buffer.from(header).toString('utf8'), name) as Record<
    string,
    unknown
  >;
  const parsed = headerSchema.safeParse(entries);
  if (!parsed.success) throw new FilesError(`The header of ${name} is not that of a safetensors file.`);
  const dataStart = LENGTH_BYTES + headerBytes;
  return Object.entries(parsed.data).flatMap(
    ([
      tensor,
      {
        dtype,
        shape,
        data_offsets: [start, end],
      },
    ]) => {
      // Whole numbers, such as those of a quantised model, are not ours to read; a tensor that is needed is missed by name.
      if (!(dtype in WIDTH)) return [];
      const type = dtype as StoredType;
      const bytes = shape.reduce((product, dimension) => product * dimension, 1) * WIDTH[type];
      if (end - start !== bytes || dataStart + end > size)
        throw new FilesError(
          `${name} is damaged or cut off: the tensor ${tensor} does not lie in it as its header says.`,
        );
      return [{ name: tensor, type, shape, file, offset: dataStart + start }];
    },
  );
}

function parseJson(text: string, name: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (value === null || typeof value !== 'object')
    throw new FilesError(`${name} holds no JSON object where one belongs.`);
  return value;
}

/** Reads in parts, since a system's one read gives at most 2 GB. */
async function readFully(file: FileHandle, bytes: Uint8Array, position: number, name: string): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(bytes.length - done, 2 ** 30);
    const { bytesRead } = await file.read(bytes, done, length, position + done);
    if (bytesRead === 0) throw new FilesError(`The file of ${name} ends too early.`);
    done += bytesRead;
  }
}
