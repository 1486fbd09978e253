import type { z } from 'zod';
import { AppError } from '../core/errors.ts';

/**
 * Reads a JSON body of at most `bytesMax` bytes, counted while it arrives.
 * Throws `unsupported_media_type`, `body_too_large` or `invalid_json`.
 */
export async function readJson(request: Request, bytesMax: number): Promise<{ value: unknown; byteLength: number }> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new AppError('unsupported_media_type', { param: 'Content-Type' });
  const bytes = await readBytes(request, bytesMax);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return { value, byteLength: bytes.length };
  } catch (cause) {
    throw new AppError('invalid_json', { cause });
  }
}

/** Checks a parsed body against its schema: the first mistake becomes the refusal that names the member. */
export function parseBody<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw new AppError('invalid_parameter');
  if (issue.code === 'unrecognized_keys') {
    const param = [...issue.path, issue.keys[0]].join('.');
    throw new AppError('unknown_parameter', {
      param,
      message: `There is no parameter "${param}" here. Remove it or correct its name.`,
    });
  }
  const param = issue.path.join('.');
  if (param === '') throw new AppError('invalid_json', { message: 'The body must be one JSON object.' });
  throw new AppError('invalid_parameter', { param, message: `The parameter "${param}" ${issue.message}.` });
}

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // The declared length refuses early; the count refuses whoever lied.
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw new AppError('body_too_large');
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) throw new AppError('body_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
