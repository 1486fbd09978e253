import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { Room } from './large-bodies.ts';

export interface BodyLimits {
  readonly bytesMax: number;
  /** A body that grows beyond this waits for a place among the large ones. */
  readonly smallBytesMax: number;
  readonly room: Room;
}

/**
 * Reads a JSON body, counted while it arrives.
 * Throws `unsupported_media_type`, `body_too_large`, `invalid_json`, or `overloaded` where there is no room for a large one.
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<{ value: unknown; byteLength: number }> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new AppError('unsupported_media_type', { param: 'Content-Type' });
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    throw new AppError('unsupported_media_type', {
      param: 'Content-Encoding',
      message: 'The request body must not be compressed. Send it without a Content-Encoding.',
    });
  }
  const bytes = await readBytes(request, limits);
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

async function readBytes(request: Request, { bytesMax, smallBytesMax, room }: BodyLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isLarge = false;
  // The declared length refuses early; the count refuses whoever lied.
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw new AppError('body_too_large');
  // What is refused is left unread here: the server discards it, so that the answer reaches a client that is still sending.
  for await (const chunk of request.body?.values({ preventCancel: true }) ?? []) {
    length += chunk.length;
    if (length > bytesMax) throw new AppError('body_too_large');
    if (length > smallBytesMax && !isLarge) {
      isLarge = true;
      await room.take();
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
