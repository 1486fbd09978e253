/** Downloads a checkpoint from a model hub that speaks Hugging Face's interface: file by file, resumed where it broke off. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FilesError } from '../files-error.ts';

/** Where the weights of GLM-ASR-Nano are published. */
export const REPOSITORY = 'zai-org/GLM-ASR-Nano-2512';

/** The part of `fetch` that is used. */
export type HttpGet = (
  url: string,
  options: { readonly headers?: Record<string, string>; readonly signal: AbortSignal },
) => Promise<Response>;

export interface DownloadOptions {
  /** Such as `https://huggingface.co`, or a mirror of it. */
  readonly baseUrl: string;
  /** Such as `zai-org/GLM-ASR-Nano-2512`. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  readonly to: string;
  readonly get: HttpGet;
  readonly signal: AbortSignal;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** What the hub says that the content hashes to: for large files SHA-256, for others git's own. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly value: string };
}

/** What a conversion reads. */
const WANTED = /^(config\.json|tokenizer\.json|model([-\w]*)\.safetensors(\.index\.json)?)$/;

const ATTEMPTS_MAX = 5;
const LIST_BYTES_MAX = 10_000_000;

const treeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.int().min(0),
    oid: z.string(),
    lfs: z.object({ oid: z.string(), size: z.int().min(0) }).optional(),
  }),
);

/** Gives the names of the files, which are whole and have the right hash. Throws a `FilesError` or the signal's reason. */
export async function downloadCheckpoint(options: DownloadOptions): Promise<readonly string[]> {
  const { to, onProgress = () => {} } = options;
  const files = await listFiles(options);
  await mkdir(to, { recursive: true });
  await requireSpace(to, files);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const file of files) {
    await downloadFile(file, options, (bytes) => onProgress(before + bytes, total));
    before += file.bytes;
    onProgress(before, total);
  }
  return files.map(({ path }) => path);
}

async function listFiles({ baseUrl, repository, revision, get, signal }: DownloadOptions): Promise<readonly HubFile[]> {
  const url = new URL(`api/models/${repository}/tree/${encodeURIComponent(revision)}`, withSlash(baseUrl)).href;
  const answer = await answered(get, url, {}, signal).catch((error: unknown) => {
    throw error instanceof Error && !signal.aborted ? new FilesError(error.message, { cause: error }) : error;
  });
  const text = answer.ok ? await answer.text() : '';
  const tree = text.length > LIST_BYTES_MAX ? null : treeSchema.safeParse(parsedJson(text));
  if (!answer.ok || tree?.success !== true)
    throw new FilesError(`${url} answers ${answer.status} and no list of files; is it a hub, and is the name right?`);
  const files = tree.data
    .filter(({ type, path }) => type === 'file' && WANTED.test(path))
    .map(({ path, size, oid, lfs }): HubFile => {
      if (lfs === undefined) return { path, bytes: size, hash: { kind: 'git', value: oid } };
      return { path, bytes: lfs.size, hash: { kind: 'sha256', value: lfs.oid } };
    });
  if (files.some(({ path }) => path.endsWith('.safetensors'))) return files;
  throw new FilesError(`${repository} at ${revision} holds no safetensors file.`);
}

async function requireSpace(to: string, files: readonly HubFile[]): Promise<void> {
  const sizes = await Promise.all(
    files.map(async ({ path, bytes }) => {
      const there = await Promise.all([sizeOf(join(to, path)), sizeOf(join(to, `${path}.part`))]);
      return Math.max(0, bytes - Math.max(...there));
    }),
  );
  const needed = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(to);
  if (bavail * bsize >= needed) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new FilesError(
    `${gigabytes(needed)} are to come, but the disk of ${to} has ${gigabytes(bavail * bsize)} left.`,
  );
}

async function downloadFile(file: HubFile, options: DownloadOptions, onBytes: (count: number) => void): Promise<void> {
  const { to, signal } = options;
  const path = join(to, file.path);
  if ((await sizeOf(path)) === file.bytes && (await hashOf(path, file)) === file.hash.value) return;
  const part = `${path}.part`;
  let failure: unknown = null;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && (await sizeOf(part)) < file.bytes; attempt += 1) {
    failure = await append(file, part, options, onBytes).then(
      () => null,
      (error: unknown) => error,
    );
    signal.throwIfAborted();
    if (failure instanceof FilesError) throw failure;
  }
  if ((await sizeOf(part)) !== file.bytes)
    throw new FilesError(`${file.path} broke off ${ATTEMPTS_MAX} times; the same command goes on from there.`, {
      cause: failure,
    });
  if ((await hashOf(part, file)) !== file.hash.value) {
    await rm(part);
    throw new FilesError(`${file.path} came with other content than the hub's list says; it was removed. Try again.`);
  }
  await rename(part, path);
}

/** Asks for what is missing of the file and adds it. */
async function append(file: HubFile, part: string, options: DownloadOptions, onBytes: (count: number) => void) {
  const { baseUrl, repository, revision, get, signal } = options;
  let done = await sizeOf(part);
  const path = `${repository}/resolve/${encodeURIComponent(revision)}/${file.path}`;
  const url = new URL(path, withSlash(baseUrl)).href;
  const answer = await answered(get, url, done > 0 ? { range: `bytes=${done}-` } : {}, signal);
  if (!answer.ok || answer.body === null) throw new FilesError(`${url} answers ${answer.status}.`);
  if (answer.status !== 206) {
    // A server without ranges begins anew.
    await rm(part, { force: true });
    done = 0;
  }
  await appendFile(part, '');
  const target = await open(part, 'a');
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      done += chunk.length;
      if (done > file.bytes) throw new FilesError(`${url} sends more than the ${file.bytes} bytes of the hub's list.`);
      await target.writeFile(chunk);
      onBytes(done);
    }
    await target.sync();
  } finally {
    await target.close();
  }
}

async function answered(
  get: HttpGet,
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await get(url, { headers, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`${new URL(url).host} cannot be reached.`, { cause: error });
  }
}

async function hashOf(path: string, { bytes, hash }: HubFile): Promise<string> {
  const digest = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git') digest.update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
  return digest.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
