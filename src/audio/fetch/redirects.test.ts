import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FetchErrorKind } from './fetch-error.ts';
import { NEVER, readText, refusal, setUp } from './test-network.ts';
import { serveHttp, serveTcp, type TestServer } from './test-server.ts';

const PUBLIC = '93.184.215.14';

/** Answers every path that it knows with a redirect, all else with the path itself. */
function serveRedirects(locations: Readonly<Record<string, string>>): Promise<TestServer> {
  return serveHttp((request, response) => {
    const location = locations[request.url ?? ''];
    if (location === undefined) response.end(`here is ${request.url}`);
    else response.writeHead(302, { location }).end('a body that nobody reads');
  });
}

test('a name that changes its answer cannot move the connection, and a redirect to itself is judged anew', async () => {
  await using server = await serveRedirects({ '/first': '/second' });
  const answers = [[PUBLIC], ['127.0.0.1']];
  const { guardedFetch, network } = setUp({
    names: { 'rebind.example.com': () => answers.shift() ?? [] },
    servers: { [`${PUBLIC}:80`]: server.port, '127.0.0.1:80': server.port },
  });
  await assert.rejects(guardedFetch('http://rebind.example.com/first', NEVER), refusal('url_not_allowed'));
  assert.deepEqual(network.connections, [`${PUBLIC}:80`]);
});

test('redirects are followed up to five times, relative and absolute, without the headers of the request', async () => {
  const seen: (string | undefined)[] = [];
  await using other = await serveHttp((request, response) => {
    seen.push(request.headersDistinct['x-mine']?.[0]);
    response.end(`other ${request.url}`);
  });
  await using server = await serveHttp((request, response) => {
    seen.push(request.headersDistinct['x-mine']?.[0]);
    const hop = Number(request.url?.slice(1));
    const location = hop < 4 ? `/${hop + 1}` : '//other.example.com/%C3%A9?x=1';
    response.writeHead([301, 302, 303, 307, 308][hop] ?? 302, { location }).end();
  });
  const { guardedFetch } = setUp({
    names: { 'one.example.com': ['8.8.8.1'], 'other.example.com': ['8.8.8.2'] },
    servers: { '8.8.8.1:80': server.port, '8.8.8.2:80': other.port },
  });
  const response = await guardedFetch('http://one.example.com/0', NEVER, { headers: { 'x-mine': 'secret' } });
  assert.equal(await readText(response), 'other /%C3%A9?x=1');
  assert.deepEqual(seen, ['secret', ...Array.from({ length: 5 }, () => undefined)]);
});

test('a sixth redirect, a loop, twenty hops and a redirect without an address fail', async () => {
  const hops = Object.fromEntries(Array.from({ length: 20 }, (_, hop) => [`/${hop}`, `/${hop + 1}`]));
  await using server = await serveRedirects({ ...hops, '/loop': '/loop', '/a': '/b', '/b': '/a', '/none': '' });
  const { guardedFetch, network } = setUp({ servers: { [`${PUBLIC}:80`]: server.port } });
  for (const path of ['/0', '/14', '/loop', '/a', '/none'])
    await assert.rejects(guardedFetch(`http://${PUBLIC}${path}`, NEVER), refusal('failed'), path);
  assert.equal(network.connections.length, 4 * 6 + 1);
  await server.allClosed();
});

test('a redirect is held to the rules of a first URL', async () => {
  const locations: Record<string, [string, FetchErrorKind]> = {
    '/literal': ['http://127.0.0.1/', 'url_not_allowed'],
    '/metadata': ['http://169.254.169.254/latest/', 'url_not_allowed'],
    '/file': ['file:///etc/passwd', 'url_not_allowed'],
    '/data': ['data:audio/wav;base64,AAAA', 'url_not_allowed'],
    '/relative': ['//[::1]/', 'url_not_allowed'],
    '/backslash': ['\\\\127.0.0.1\\', 'url_not_allowed'],
    '/port': ['http://8.8.8.8:6379/', 'url_not_allowed'],
    '/user': ['http://u:p@example.com/', 'url_not_allowed'],
    '/tab': ['htt\tp://127.0.0.1/', 'url_not_allowed'],
    '/local': ['http://localhost/', 'url_not_allowed'],
    '/name': ['http://private.example.com/', 'url_not_allowed'],
    '/broken': ['http://[::1', 'url_invalid'],
    '/long': [`/${'a'.repeat(2_048)}`, 'url_invalid'],
  };
  const targets = Object.fromEntries(Object.entries(locations).map(([path, [location]]) => [path, location]));
  await using server = await serveRedirects(targets);
  const { guardedFetch, network } = setUp({
    names: { 'private.example.com': ['10.0.0.1'] },
    servers: { [`${PUBLIC}:80`]: server.port },
  });
  for (const [path, [, kind]] of Object.entries(locations))
    await assert.rejects(guardedFetch(`http://${PUBLIC}${path}`, NEVER), refusal(kind), path);
  assert.deepEqual(new Set(network.connections), new Set([`${PUBLIC}:80`]));
});

test('an address of a redirect that is written in UTF-8 is read as that', async () => {
  await using server = await serveTcp((socket) => {
    socket.once('data', (data) => {
      const redirect = data.toString('latin1').startsWith('GET /start');
      if (redirect) socket.end('HTTP/1.1 302 Found\r\nLocation: /音声.wav\r\nContent-Length: 0\r\n\r\n');
      else socket.end(`HTTP/1.1 200 OK\r\n\r\n${data.toString('latin1').split(' ')[1]}`);
    });
  });
  const { guardedFetch } = setUp({ servers: { [`${PUBLIC}:80`]: server.port } });
  assert.equal(await readText(await guardedFetch(`http://${PUBLIC}/start`, NEVER)), '/%E9%9F%B3%E5%A3%B0.wav');
});

test('the answer to a POST is final: its redirect is not followed', async () => {
  let body = '';
  await using server = await serveHttp((request, response) => {
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => response.writeHead(307, { location: 'http://10.0.0.1/' }).end('moved'));
  });
  const { guardedFetch, network } = setUp({ servers: { [`${PUBLIC}:80`]: server.port } });
  const response = await guardedFetch(`http://${PUBLIC}/hook`, NEVER, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('news'),
  });
  assert.equal(response.status, 307);
  assert.equal(await readText(response), 'moved');
  assert.equal(body, 'news');
  assert.equal(network.connections.length, 1);
});
