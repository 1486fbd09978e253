import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { silentLogger, type Logger } from '../../core/log.ts';
import type { FetchErrorKind } from './fetch-error.ts';
import { createGuardedFetch, type GuardedFetchOptions } from './guarded-fetch.ts';
import { NEVER, readText, refusal, setUp, type TestPlaces } from './test-network.ts';
import { serveHttp, serveHttps, serveTcp } from './test-server.ts';

const fixtures = new URL('../../../fixtures/', import.meta.url);
const PUBLIC = '93.184.215.14';

test('every URL of the list is refused with its code, without a lookup and without a connection', async () => {
  const cases: { code: string; url: string }[] = JSON.parse(
    await readFile(new URL('refused-urls.json', fixtures), 'utf8'),
  );
  assert.ok(cases.length >= 100);
  await using canary = await serveTcp((socket) => socket.destroy());
  const always = { resolve: async () => (lookups.push('lookup'), [PUBLIC]), connect: connectToCanary };
  const lookups: string[] = [];
  async function connectToCanary(): Promise<never> {
    lookups.push('connection');
    throw new Error('A connection was tried.');
  }
  const guarded = createGuardedFetch({ log: silentLogger, ...always, allow: ['127.0.0.1:1'] });
  const withRealNetwork = createGuardedFetch({ log: silentLogger, allow: ['127.0.0.1:1'] });
  for (const { code, url } of cases) {
    const expected = refusal(code.replace('audio_', '') as FetchErrorKind);
    await assert.rejects(guarded(url, NEVER), expected, JSON.stringify(url));
    await assert.rejects(withRealNetwork(url, NEVER), expected, JSON.stringify(url));
  }
  for (const host of ['127.0.0.1', '0.0.0.0', 'localhost', '2130706433', '[::ffff:7f00:1]', '[::1]'])
    await assert.rejects(withRealNetwork(`http://${host}:${canary.port}/`, NEVER), refusal('url_not_allowed'));
  assert.deepEqual(lookups, []);
  assert.equal(canary.connectionCount, 0);
});

test('a URL of 2,048 characters is fetched and one of 2,049 is invalid', async () => {
  await using server = await serveHttp((_, response) => response.end('long'));
  const { guardedFetch } = setUp({ servers: { [`${PUBLIC}:80`]: server.port } });
  const start = `http://${PUBLIC}/`;
  assert.equal(await readText(await guardedFetch(start.padEnd(2_048, 'a'), NEVER)), 'long');
  await assert.rejects(guardedFetch(start.padEnd(2_049, 'a'), NEVER), refusal('url_invalid'));
});

test('a public name is asked for once, and its address itself is reached, with the name as Host', async () => {
  let headers: unknown;
  await using server = await serveHttp((request, response) => {
    headers = request.headers;
    response.end(`${request.method} ${request.url}`);
  });
  const { guardedFetch, network } = setUp({
    names: { 'audio.example.com': [PUBLIC] },
    servers: { [`${PUBLIC}:80`]: server.port },
  });
  const response = await guardedFetch('http://Audio.Example.com/a%20b?c=d#e', NEVER);
  assert.equal(response.status, 200);
  assert.equal(await readText(response), 'GET /a%20b?c=d');
  assert.deepEqual(network.lookups, ['public audio.example.com']);
  assert.deepEqual(network.connections, [`${PUBLIC}:80`]);
  assert.deepEqual(headers, {
    accept: '*/*',
    'accept-encoding': 'identity',
    connection: 'close',
    host: 'audio.example.com',
    'user-agent': 'earshot',
  });
});

test('public addresses beside special blocks are reached', async () => {
  await using server = await serveHttp((_, response) => response.end('neighbour'));
  const hosts = [
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '168.63.129.15',
    '2606:4700:4700::1111',
  ];
  const { guardedFetch } = setUp({ servers: Object.fromEntries(hosts.map((host) => [`${host}:80`, server.port])) });
  for (const host of hosts)
    assert.equal(
      await readText(await guardedFetch(`http://${host.includes(':') ? `[${host}]` : host}/`, NEVER)),
      'neighbour',
    );
});

test('a name with a bad address, or with too many, is refused without a connection', async () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `8.8.8.${index}`);
  const answers: Record<string, readonly string[]> = {
    'private.example.com': ['10.0.0.1'],
    'loopback.example.com': ['127.0.0.1'],
    'mapped.example.com': ['::ffff:8.8.8.8'],
    'zone.example.com': ['2606:4700::1%eth0'],
    'mixed.example.com': [PUBLIC, '169.254.169.254'],
    'sixty-four.example.com': [...many(63), '192.168.0.1'],
    'one-of-sixteen.example.com': [...many(15), '::1'],
    'seventeen.example.com': many(17),
    'name.example.com': ['localhost'],
  };
  const { guardedFetch, network } = setUp({ names: answers });
  for (const name of Object.keys(answers))
    await assert.rejects(guardedFetch(`http://${name}/`, NEVER), refusal('url_not_allowed'), name);
  assert.deepEqual(network.connections, []);
});

test('sixteen public addresses are accepted, and the first that answers is used', async () => {
  await using server = await serveHttp((_, response) => response.end('the last one'));
  const addresses = Array.from({ length: 16 }, (_, index) => `8.8.8.${index}`);
  const { guardedFetch, network } = setUp({
    names: { 'many.example.com': addresses },
    servers: { '8.8.8.15:80': server.port },
  });
  assert.equal(await readText(await guardedFetch('http://many.example.com/', NEVER)), 'the last one');
  assert.deepEqual(
    network.connections,
    addresses.map((address) => `${address}:80`),
  );
});

test('a connection that ends somewhere else than at the checked address is closed before a byte is sent', async () => {
  let received = 0;
  await using server = await serveTcp((socket) => socket.on('data', (data) => (received += data.length)));
  const { network } = setUp({ servers: { [`${PUBLIC}:80`]: server.port } });
  const guardedFetch = createGuardedFetch({
    log: silentLogger,
    async connect(address, port, signal) {
      return Object.defineProperty(await network.connect(address, port, signal), 'remoteAddress', {
        value: '127.0.0.1',
      });
    },
  });
  await assert.rejects(guardedFetch(`http://${PUBLIC}/`, NEVER), refusal('url_not_allowed'));
  await server.allClosed();
  assert.equal(received, 0);
});

test('a name that does not exist, has no addresses or does not answer is a failed or late download', async () => {
  const { guardedFetch } = setUp({ names: { 'empty.example.com': [] } });
  await assert.rejects(guardedFetch('http://nowhere.example.com/', NEVER), refusal('failed'));
  await assert.rejects(guardedFetch('http://empty.example.com/', NEVER), refusal('failed'));
  const silent = createGuardedFetch({
    log: silentLogger,
    limits: { resolveMs: 20 },
    resolve: () => new Promise(() => {}),
  });
  await assert.rejects(silent('http://silent.example.com/', NEVER), refusal('timeout'));
});

test('an address that never answers takes only its share of the time to connect', async () => {
  await using server = await serveHttp((_, response) => response.end('the second'));
  const { network } = setUp({ servers: { '8.8.8.2:80': server.port } });
  const stopped: string[] = [];
  const guardedFetch = createGuardedFetch({
    log: silentLogger,
    limits: { connectMs: 200 },
    resolve: async () => ['8.8.8.1', '8.8.8.2'],
    async connect(address, port, signal) {
      if (address === '8.8.8.2') return network.connect(address, port, signal);
      await once(signal, 'abort');
      stopped.push(address);
      throw signal.reason;
    },
  });
  assert.equal(await readText(await guardedFetch('http://slow.example.com/', NEVER)), 'the second');
  assert.deepEqual(stopped, ['8.8.8.1']);
  await assert.rejects(guardedFetch('http://8.8.8.1/', NEVER), refusal('timeout'));
});

test('the allow-list opens a private address, a private name and an odd port, and nothing near them', async () => {
  await using server = await serveHttp((_, response) => response.end('inside'));
  const { guardedFetch, network } = setUp({
    allow: ['10.0.0.5:9000', 'minio:9000', '[fd00::5]:80'],
    names: { minio: ['10.0.0.5'], 'sneaky.example.com': ['10.0.0.5'], 'minio.example.com': ['10.0.0.5'] },
    servers: { '10.0.0.5:9000': server.port, 'fd00::5:80': server.port },
  });
  assert.equal(await readText(await guardedFetch('http://10.0.0.5:9000/', NEVER)), 'inside');
  assert.equal(await readText(await guardedFetch('http://minio:9000/', NEVER)), 'inside');
  assert.equal(await readText(await guardedFetch('http://[fd00::5]/', NEVER)), 'inside');
  assert.deepEqual(network.lookups, ['own minio']);
  const opened = network.connections.length;
  for (const url of [
    'http://10.0.0.5/',
    'http://10.0.0.5:9001/',
    'https://10.0.0.5/',
    'http://10.0.0.6:9000/',
    'http://minio/',
    'http://minio.:9000/',
    'http://minio.example.com:9000/',
    'http://x.minio:9000/',
    'http://sneaky.example.com:9000/',
    'http://sneaky.example.com/',
    'http://user@10.0.0.5:9000/',
    'ftp://10.0.0.5:9000/',
    'http://[fd00::6]/',
    'http://[::ffff:10.0.0.5]:9000/',
  ])
    await assert.rejects(guardedFetch(url, NEVER), refusal('url_not_allowed'), url);
  assert.equal(network.connections.length, opened);
});

test('a wrong entry of the allow-list is named at the start', () => {
  assert.throws(() => createGuardedFetch({ log: silentLogger, allow: ['10.0.0.0/8'] }), /"10.0.0.0\/8"/);
});

test('an allow-listed name must still resolve to addresses, not to another name', async () => {
  const { guardedFetch, network } = setUp({ allow: ['minio:80'], names: { minio: ['evil.example.com'] } });
  await assert.rejects(guardedFetch('http://minio/', NEVER), refusal('url_not_allowed'));
  assert.deepEqual(network.connections, []);
});

test('https is reached by its name with a certificate that holds it, and otherwise fails', async () => {
  const cert = await readFile(new URL('tls/certificate.pem', fixtures), 'utf8');
  const key = await readFile(new URL('tls/key.pem', fixtures), 'utf8');
  const servernames: unknown[] = [];
  await using server = await serveHttps({ cert, key }, (request, response) => {
    servernames.push((request.socket as { servername?: unknown }).servername);
    if (request.url === '/down') response.writeHead(302, { location: 'http://audio.example.com/' }).end();
    else response.end('secret');
  });
  await using plain = await serveTcp((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nnot TLS'));
  const places: TestPlaces = {
    names: { 'audio.example.com': [PUBLIC], 'other.example.com': [PUBLIC], 'plain.example.com': ['8.8.8.8'] },
    servers: { [`${PUBLIC}:443`]: server.port, [`${PUBLIC}:80`]: server.port, '8.8.8.8:443': plain.port },
  };
  const { guardedFetch, network } = setUp({ ...places, trustedCertificates: cert });
  assert.equal(await readText(await guardedFetch('https://audio.example.com./', NEVER)), 'secret');
  assert.deepEqual(servernames, ['audio.example.com']);
  await assert.rejects(guardedFetch('https://other.example.com/', NEVER), refusal('failed'));
  await assert.rejects(guardedFetch(`https://${PUBLIC}/`, NEVER), refusal('failed'));
  await assert.rejects(guardedFetch('https://plain.example.com/', NEVER), refusal('failed'));
  await assert.rejects(setUp(places).guardedFetch('https://audio.example.com/', NEVER), refusal('failed'));
  await assert.rejects(guardedFetch('https://audio.example.com/down', NEVER), refusal('url_not_allowed'));
  assert.equal(network.connections.includes(`${PUBLIC}:80`), false);
  await server.allClosed();
});

test('the log names scheme, host and a hash of the URL, never its path, its query or its user', async () => {
  await using server = await serveHttp((_, response) => response.end('logged'));
  const lines: string[] = [];
  const write = (fields: Readonly<Record<string, unknown>>, event: string): void =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const log: Logger = { debug: write, info: write, warn: write, error: write };
  const { guardedFetch } = setUp({ log, servers: { [`${PUBLIC}:80`]: server.port } });
  await readText(await guardedFetch(`http://${PUBLIC}/path?signature=query`, NEVER));
  await assert.rejects(guardedFetch('https://user:word@example.com/path?signature=query', NEVER));
  await assert.rejects(guardedFetch('http://10.0.0.1:99999/path?signature=query', NEVER));
  await assert.rejects(guardedFetch('http://8.8.8.8/path?signature=query', NEVER));
  assert.equal(lines.length, 4);
  for (const line of lines) assert.doesNotMatch(line, /path|signature|query|user:|word@/);
  assert.match(lines[0] ?? '', /"scheme":"http","host":"93.184.215.14","url_hash":"[0-9a-f]{12}"/);
});

test('an abort stops each stage at once and closes the connection', async () => {
  await using mute = await serveTcp(() => {});
  const stages: Record<string, Partial<GuardedFetchOptions>> = {
    resolve: { resolve: () => new Promise(() => {}) },
    connect: {
      resolve: async () => [PUBLIC],
      connect: (_address, _port, signal) => once(signal, 'abort').then(() => Promise.reject(signal.reason)),
    },
    headers: setUp({ names: { 'audio.example.com': [PUBLIC] }, servers: { [`${PUBLIC}:80`]: mute.port } }).network,
    tls: setUp({ names: { 'audio.example.com': [PUBLIC] }, servers: { [`${PUBLIC}:443`]: mute.port } }).network,
  };
  for (const [stage, options] of Object.entries(stages)) {
    const controller = new AbortController();
    const reason = new Error(`stopped at ${stage}`);
    const connectionsBefore = mute.connectionCount;
    const fetching = createGuardedFetch({ log: silentLogger, ...options })(
      stage === 'tls' ? 'https://audio.example.com/' : 'http://audio.example.com/',
      controller.signal,
    );
    if (stage === 'headers' || stage === 'tls') while (mute.connectionCount === connectionsBefore) await nextTurn();
    else await nextTurn();
    controller.abort(reason);
    await assert.rejects(fetching, reason);
  }
  assert.equal(mute.connectionCount, 2);
  await mute.allClosed();
});

test('a signal that is aborted already starts nothing', async () => {
  const { guardedFetch, network } = setUp({ names: { 'audio.example.com': [PUBLIC] } });
  const reason = new Error('too late');
  await assert.rejects(guardedFetch('http://audio.example.com/', AbortSignal.abort(reason)), reason);
  assert.deepEqual([...network.lookups, ...network.connections], []);
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
