/**
 * The dashboard's page and its files, as the build left them. Files with a digest in their names never change; the page that
 * names them is asked for anew each time, and stands for every address below `/dashboard/` that is no file.
 */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { AppError } from '../../../core/errors.ts';
import { DASHBOARD_CONTENT_SECURITY_POLICY } from '../../api/contract.ts';
import type { HttpCall, Route } from '../../app.ts';

const BASE = '/dashboard/';
const PAGE = 'index.html';

/** One name, or one in the folder of the files with digests: never a way out of the folder. */
const FILE_NAME = /^(?:assets\/)?[A-Za-z0-9_-][\w.-]*\.[a-z0-9]+$/;
const ASSETS = 'assets/';
const FOREVER = 'public, max-age=31536000, immutable';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Already as small as they get. */
const COMPRESSED = new Set(['.png', '.woff2', '.ico']);

interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encoding: 'br' | 'gzip' | null;
}

/** @param folder where the build puts the dashboard. */
export function dashboardRoute(folder: string): Route {
  /** Files with digests, once for each encoding that was asked for. */
  const kept = new Map<string, Promise<Encoded>>();

  async function file(name: string, accepted: string): Promise<Encoded> {
    const bytes = await readFile(join(folder, name));
    return COMPRESSED.has(extname(name)) ? { bytes, encoding: null } : compressed(bytes, accepted);
  }

  function keptFile(name: string, accepted: string): Promise<Encoded> {
    const id = `${bestEncoding(accepted)} ${name}`;
    const known = kept.get(id) ?? file(name, accepted);
    kept.set(id, known);
    known.catch(() => kept.delete(id));
    return known;
  }

  return {
    method: 'GET',
    path: '/dashboard/*',
    async handle({ request, answerHeaders }: HttpCall) {
      for (const [header, value] of Object.entries(HEADERS)) answerHeaders.set(header, value);
      const { pathname, search } = new URL(request.url);
      if (!pathname.startsWith(BASE))
        return new Response(null, { status: 308, headers: { location: `${BASE}${search}` } });
      const accepted = request.headers.get('accept-encoding') ?? '';
      const name = pathname.slice(BASE.length);
      if (FILE_NAME.test(name) && name !== PAGE) {
        const isKept = name.startsWith(ASSETS);
        const found = await (isKept ? keptFile(name, accepted) : file(name, accepted)).catch(nullIfMissing);
        // A page of an older build asks for a file that is gone: the page itself would be no answer to that.
        if (found !== null) return respond(found, name, isKept ? FOREVER : 'no-cache');
        if (isKept) throw new AppError('not_found');
      }
      const page = await file(PAGE, accepted).catch(nullIfMissing);
      if (page !== null) return respond(page, PAGE, 'no-cache');
      throw new AppError('not_found', {
        message: 'The dashboard has not been built here. The operator can build it with `npm run build`.',
      });
    },
  };
}

const HEADERS = {
  'content-security-policy': DASHBOARD_CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(self)',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function respond({ bytes, encoding }: Encoded, name: string, cacheControl: string): Response {
  return new Response(bytes, {
    headers: {
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'cache-control': cacheControl,
      vary: 'accept-encoding',
      ...(encoding === null ? {} : { 'content-encoding': encoding }),
    },
  });
}

function bestEncoding(accepted: string): 'br' | 'gzip' | null {
  const names = accepted.split(',').map((part) => part.split(';')[0]?.trim());
  if (names.includes('br')) return 'br';
  return names.includes('gzip') ? 'gzip' : null;
}

async function compressed(bytes: Uint8Array<ArrayBuffer>, accepted: string): Promise<Encoded> {
  const encoding = bestEncoding(accepted);
  switch (encoding) {
    case 'br':
      return { bytes: new Uint8Array(await promisify(brotliCompress)(bytes)), encoding };
    case 'gzip':
      return { bytes: new Uint8Array(await promisify(gzip)(bytes)), encoding };
    case null:
      return { bytes, encoding };
  }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')) return null;
  throw error;
}
