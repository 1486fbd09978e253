import { join } from 'node:path';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { assert } from '../../../core/errors.ts';
import { FilesError } from '../files-error.ts';

/** @param threads processor cores that one step uses. */
export async function openSession(directory: string, file: string, threads: number): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(join(directory, file), { intraOpNumThreads: threads, interOpNumThreads: 1 });
  } catch (error) {
    throw new FilesError(`${join(directory, file)} cannot be loaded: ${String(error)}`, { cause: error });
  }
}

export function output(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  assert(value !== undefined, `the graph has an output ${name}`);
  return value as Tensor;
}
