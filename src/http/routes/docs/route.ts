/** The reference of the API for programs and for people, for everybody: made once, when the server starts. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Route } from '../../app.ts';
import { openApiDocument } from '../../openapi/document.ts';
import { renderPage } from './page.ts';

const ASSETS = new URL('../../../../assets/docs/', import.meta.url);
const SAMPLE = new URL('../../../../samples/sense-and-sensibility.mp3', import.meta.url);

export async function docsRoutes(): Promise<Route[]> {
  const [style, script, sample] = await Promise.all([
    readFile(new URL('page.css', ASSETS), 'utf8'),
    readFile(new URL('try-it.js', ASSETS), 'utf8'),
    readFile(SAMPLE),
  ]);
  const document = openApiDocument();
  return [
    fixed('/openapi.json', JSON.stringify(document), { 'content-type': 'application/json' }),
    fixed('/docs', await renderPage(document, { style, script }), {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy(style, script),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    }),
    fixed('/docs/sample.mp3', sample, { 'content-type': 'audio/mpeg' }),
  ];
}

/** The page's own style and script by their digests, calls to this server, and nothing else. */
function policy(style: string, script: string): string {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    `script-src ${hash(script)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function fixed(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Route {
  return { method: 'GET', path, handle: () => new Response(body, { headers }) };
}
