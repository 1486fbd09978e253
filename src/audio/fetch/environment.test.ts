import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { serveHttp, serveHttps, serveTcp } from './test-server.ts';

const fixtures = new URL('../../../fixtures/tls/', import.meta.url);

const SCRIPT = `
  const [module, ...urls] = process.argv.slice(1);
  const { createGuardedFetch } = await import(module);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const guardedFetch = createGuardedFetch({ log, allow: urls.map((url) => new URL(url).host) });
  for (const url of urls)
    try {
      for await (const chunk of (await guardedFetch(url, new AbortController().signal)).body) console.log(chunk.toString());
    } catch (error) {
      console.log(error.message);
    }
`;

test('a proxy in the environment is not used, and a certificate check that is switched off there stays on', async () => {
  await using proxy = await serveTcp((socket) => socket.destroy());
  await using server = await serveHttp((_, response) => response.end('direct'));
  const credentials = {
    key: await readFile(new URL('key.pem', fixtures), 'utf8'),
    cert: await readFile(new URL('certificate.pem', fixtures), 'utf8'),
  };
  await using secure = await serveHttps(credentials, (_, response) => response.end('accepted'));
  const proxyUrl = `http://127.0.0.1:${proxy.port}`;
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      SCRIPT,
      new URL('./guarded-fetch.js', import.meta.url).href,
      `http://127.0.0.1:${server.port}/`,
      `https://127.0.0.1:${secure.port}/`,
    ],
    {
      env: {
        ...Object.fromEntries(names.map((name) => [name, proxyUrl])),
        NODE_USE_ENV_PROXY: '1',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
      },
    },
  );
  assert.equal(stdout, 'direct\ntls: DEPTH_ZERO_SELF_SIGNED_CERT\n');
  assert.equal(proxy.connectionCount, 0);
});
