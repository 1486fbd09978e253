/** A multipart form with one file: its fields are kept, its file goes to whoever takes the bytes, as they come. */
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { AppError } from '../core/errors.ts';

export interface FormField {
  readonly name: string;
  readonly value: string;
}

export interface Form<File> {
  /** In the order in which they came; a name may stand there more than once. */
  readonly fields: readonly FormField[];
  /** Null where there is no part of that name. */
  readonly file: File | null;
  /** Of the file's bytes, in hexadecimal. */
  readonly fileSha256: string | null;
}

export interface FormOptions<File> {
  /** The name of the part that is the file. */
  readonly fileName: string;
  /** Takes the file's bytes; `complete` resolves when it has all of them. */
  readonly receive: (chunks: AsyncIterable<Uint8Array>) => Promise<File>;
  readonly signal: AbortSignal;
}

type Parser = InstanceType<typeof Busboy>;

const FIELDS_MAX = 300;
const FIELD_BYTES_MAX = 64 * 1024;
const FIELD_NAME_BYTES_MAX = 200;

/**
 * Reads the form to its end. Throws `unsupported_media_type`, `invalid_parameter` for a form that is broken or too large,
 * the error of the file's receiver, or the signal's reason. What is refused is left unread: the server discards it.
 */
export async function readForm<File extends { readonly complete: Promise<void> }>(
  request: Request,
  { fileName, receive, signal }: FormOptions<File>,
): Promise<Form<File>> {
  const parser = createParser(request.headers, fileName);
  const fields: FormField[] = [];
  const digest = createHash('sha256');
  let receiving: Promise<File> | null = null;
  const broken = new Promise<never>((_, reject) => {
    parser.on('error', (error) => reject(brokenForm(error)));
    parser.on('fieldsLimit', () => reject(tooMuch('fields', FIELDS_MAX)));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) reject(tooMuch(name, FIELD_BYTES_MAX));
      fields.push({ name, value });
    });
    parser.on('file', (name, stream) => {
      if (name !== fileName) reject(noSuchFile(name, fileName));
      else if (receiving !== null) reject(new AppError('invalid_parameter', { param: name, message: ONE_FILE }));
      else {
        // A file that breaks off says so by itself, also while nobody reads it yet.
        stream.on('error', (error) => {
          reject(brokenForm(error));
          stream.destroy(error);
        });
        receiving = receive(hashed(stream, digest));
        receiving.then((file) => file.complete).catch(reject);
      }
    });
  });
  // It may break with nobody waiting any more.
  broken.catch(() => {});
  const finished = once(parser, 'finish');
  finished.catch(() => {});
  try {
    await feed(request, parser, broken);
    await Promise.race([finished, broken]);
    const file: File | null = await (receiving as Promise<File> | null);
    await Promise.race([file?.complete, broken]);
    return { fields, file, fileSha256: file === null ? null : digest.digest('hex') };
  } catch (error) {
    // Whoever clears up after a refusal must know the file by then.
    await (receiving as Promise<File> | null)?.catch(() => {});
    throw error;
  }
}

const ONE_FILE = 'Send one file in one call.';

async function feed(request: Request, parser: Parser, broken: Promise<never>): Promise<void> {
  const reader = request.body?.getReader();
  try {
    for (;;) {
      const next = reader === undefined ? { done: true as const } : await Promise.race([reader.read(), broken]);
      if (next.done) break;
      if (!parser.write(next.value)) await Promise.race([once(parser, 'drain'), broken]);
    }
    parser.end();
  } finally {
    reader?.releaseLock();
  }
}

function createParser(headers: Headers, fileName: string): Parser {
  const type = headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) {
    throw new AppError('unsupported_media_type', {
      param: 'Content-Type',
      message: 'The request has a Content-Type that is not accepted. Send multipart/form-data.',
    });
  }
  try {
    return new Busboy({
      headers: { 'content-type': type } as BusboyHeaders,
      isPartAFile: (name, _type, file) => name === fileName || file !== undefined,
      limits: { fields: FIELDS_MAX, fieldSize: FIELD_BYTES_MAX, fieldNameSize: FIELD_NAME_BYTES_MAX },
    });
  } catch (error) {
    throw brokenForm(error);
  }
}

async function* hashed(stream: Readable, digest: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    digest.update(chunk as Uint8Array);
    yield chunk as Uint8Array;
  }
}

function brokenForm(cause: unknown): AppError {
  return new AppError('invalid_parameter', {
    param: 'body',
    message: 'The body is not valid multipart/form-data. Send it with its boundary, whole.',
    cause,
  });
}

function tooMuch(param: string, most: number): AppError {
  return new AppError('invalid_parameter', { param, message: `The form has too much of "${param}": at most ${most}.` });
}

function noSuchFile(name: string, fileName: string): AppError {
  return new AppError('invalid_parameter', {
    param: name,
    message: `The part "${name}" is a file. Only the part "${fileName}" may be one.`,
  });
}
