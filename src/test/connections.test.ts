/** What a hostile or clumsy client does with a bare connection: every answer has the one shape, and the server lives on. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';

let server: RunningServer;
let files: RecordingServer;

before(async () => {
  files = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

function open(): Socket {
  const { hostname, port } = new URL(server.url);
  return connect(Number(port), hostname).on('error', () => {});
}

/** Writes bytes and gives what came back until the connection ended. */
async function exchange(...parts: string[]): Promise<string> {
  const socket = open();
  let answer = '';
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')));
  for (const part of parts) socket.write(part);
  await closed;
  return answer;
}

const HEAD = (key: string): string =>
  `POST /v1/run HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;

const MALFORMED: readonly [string, string][] = [
  ['no HTTP at all', 'nonsense\r\n\r\n'],
  ['no Host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['an expectation that nobody knows', 'POST /v1/run HTTP/1.1\r\nHost: x\r\nExpect: more\r\nContent-Length: 0\r\n\r\n'],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n'],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`],
];

for (const [what, bytes] of MALFORMED) {
  test(`${what}: 400 in the one shape, with an id that is in the log`, async () => {
    const answer = await exchange(bytes);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    const id = /\r\nx-request-id: (req_\w+)\r\n/i.exec(answer)?.[1];
    const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { error: Record<string, unknown> };
    assert.deepEqual([error['code'], error['type']], ['invalid_parameter', 'invalid_request_error']);
    assert.equal(error['request_id'], id);
    assert.ok(id !== undefined && server.log().includes(id));
  });
}

test('a body of unknown length that grows too large is refused, the answer arrives, and the server lives on', async () => {
  const { key } = await server.createKey();
  const chunk = `100000\r\n${'a'.repeat(2 ** 20)}\r\n`;
  const answer = await exchange(
    `${HEAD(key)}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
    chunk.repeat(20),
    '0\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /"code":"body_too_large"/);
  assert.equal((await fetch(`${server.url}/health/live`)).status, 200);
});

test('calls that wait behind another on a connection end with it: none is charged', async () => {
  const { key } = await server.createKey();
  let releaseFirst = (): void => {};
  const arrived = new Promise<void>((seen) => {
    files.serve('first', (_, response) => {
      releaseFirst = () => response.destroy();
      seen();
    });
  });
  const call = (name: string): string => {
    const body = JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: files.url(name) } });
    return `${HEAD(key)}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  };
  files.serve('never', () => {});
  const socket = open();
  socket.write(call('first') + call('never') + call('never') + call('never'));
  await arrived;
  socket.destroy();
  releaseFirst();
  const inFlight = async (): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^earshot_calls_in_flight (\d+)$/m.exec(text)?.[1]);
  };
  for (let turn = 0; (await inFlight()) > 0; turn += 1) {
    assert.ok(turn < 200, 'the calls go on after their connection has ended');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const { spent_usd, held_usd } = await server.keyStatus(key);
  assert.deepEqual([spent_usd, held_usd], ['0', '0']);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /earshot_http_requests_total\{route="\/v1\/run",status="499",code="caller_gone"\} \d+/);
});

test('bad bytes behind a running call end the connection without an answer that could be taken for its own', async () => {
  const { key } = await server.createKey();
  files.serve('pending', () => {});
  const body = JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: files.url('pending') } });
  const answer = await exchange(
    `${HEAD(key)}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    'nonsense\r\n\r\n',
  );
  assert.equal(answer, '');
});

test('a compressed body is refused: 415, naming the header', async () => {
  const { key } = await server.createKey();
  const response = await fetch(`${server.url}/v1/run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: '{}',
  });
  const { error } = (await response.json()) as { error: { code: string; param: string } };
  assert.deepEqual([response.status, error.code, error.param], [415, 'unsupported_media_type', 'Content-Encoding']);
});
