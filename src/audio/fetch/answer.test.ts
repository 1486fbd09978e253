import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { silentLogger } from '../../core/log.ts';
import type { FetchErrorKind } from './fetch-error.ts';
import { createGuardedFetch, type FetchResponse } from './guarded-fetch.ts';
import type { FetchLimits } from './limits.ts';
import { createTestNetwork, NEVER } from './test-network.ts';
import { serveBytes, serveHttp, serveTcp, type TestServer } from './test-server.ts';

const ADDRESS = '93.184.215.14';

function get(server: TestServer, limits: Partial<FetchLimits> = {}, signal = NEVER): Promise<FetchResponse> {
  const network = createTestNetwork({ servers: { [`${ADDRESS}:80`]: server.port } });
  return createGuardedFetch({ log: silentLogger, ...network, limits })(`http://${ADDRESS}/`, signal);
}

async function countBytes(response: FetchResponse): Promise<number> {
  let bytes = 0;
  for await (const chunk of response.body) bytes += chunk.length;
  return bytes;
}

async function assertRefused(
  server: TestServer,
  kind: FetchErrorKind,
  limits: Partial<FetchLimits> = {},
): Promise<void> {
  await assert.rejects(get(server, limits).then(countBytes), { name: 'FetchError', kind });
  await server.allClosed();
}

test('a body comes through with a length, in chunks, and up to the end of the connection', async () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Type: text/html\r\n\r\nhello',
    'HTTP/1.0 200 OK\r\n\r\nhello',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello',
  ]) {
    await using server = await serveTcp((socket) => void socket.once('data', () => socket.end(answer)));
    assert.equal(await get(server).then(countBytes), 5, answer);
  }
});

test('another status is handed over, for whoever asked to judge', async () => {
  await using server = await serveHttp((_, response) => response.writeHead(404).end('none'));
  const response = await get(server);
  assert.equal(response.status, 404);
  response[Symbol.dispose]();
  await server.allClosed();
});

test('a length over the limit is refused before the body is read', async () => {
  await using server = await serveBytes('HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n');
  await assert.rejects(get(server), { kind: 'too_large' });
  await server.allClosed();
});

test('an endless body is stopped at the limit of bytes, and the limit itself is accepted', async () => {
  await using endless = await serveTcp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const pour = (): void =>
      void (socket.write(Buffer.alloc(65_536)) ? setImmediate(pour) : socket.once('drain', pour));
    pour();
  });
  await assertRefused(endless, 'too_large', { bodyBytesMax: 1_000_000 });
  await using exact = await serveHttp((_, response) => response.end(Buffer.alloc(1_000)));
  assert.equal(await get(exact, { bodyBytesMax: 1_000 }).then(countBytes), 1_000);
  await assertRefused(exact, 'too_large', { bodyBytesMax: 999 });
});

test('no chunk beyond the limit of bytes is handed over', async () => {
  await using server = await serveBytes(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(3_000)}`);
  let bytes = 0;
  const reading = async (): Promise<void> => {
    for await (const chunk of (await get(server, { bodyBytesMax: 2_000 })).body) bytes += chunk.length;
  };
  await assert.rejects(reading(), { kind: 'too_large' });
  assert.ok(bytes <= 2_000);
});

test('a body that trickles is refused for its rate, and one that stops for its silence', async () => {
  await using trickle = await serveTcp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 5);
    socket.once('close', () => clearInterval(timer));
  });
  await assertRefused(trickle, 'timeout', { rateWindowMs: 100, bytesPerSecondMin: 1_024 });
  await using silent = await serveBytes('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx');
  await assertRefused(silent, 'timeout', { idleMs: 50 });
});

test('headers that do not come, and a download that takes too long in all, are refused', async () => {
  await using mute = await serveTcp(() => {});
  await assertRefused(mute, 'timeout', { headersMs: 50 });
  await using slow = await serveBytes('HTTP/1.1 200 OK\r\nX-Slow: ');
  await assertRefused(slow, 'timeout', { headersMs: 50 });
  await using steady = await serveTcp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const timer = setInterval(() => socket.write('x'.repeat(100)), 5);
    socket.once('close', () => clearInterval(timer));
  });
  await assertRefused(steady, 'timeout', { totalMs: 150 });
});

test('a slow reader is not held against the source', async () => {
  await using server = await serveHttp((_, response) => response.end(Buffer.alloc(500_000)));
  let bytes = 0;
  for await (const chunk of (await get(server, { idleMs: 50, rateWindowMs: 50, bytesPerSecondMin: 1_000_000 })).body) {
    if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 120));
    bytes += chunk.length;
  }
  assert.equal(bytes, 500_000);
});

test('a body that ends short of its length, or is cut, fails', async () => {
  const cut: Record<string, string> = {
    'short of its length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    'without the last chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'in a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello',
    'with a broken chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello',
  };
  for (const [how, answer] of Object.entries(cut)) {
    await using server = await serveTcp((socket) => void socket.once('data', () => socket.end(answer)));
    await assert.rejects(get(server).then(countBytes), { kind: 'failed' }, how);
  }
});

test('a reset in a body without a length is not taken for its end', async () => {
  const connections: Socket[] = [];
  await using server = await serveTcp((socket) => {
    connections.push(socket);
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nhello'));
  });
  const reading = async (): Promise<void> => {
    for await (const chunk of (await get(server)).body) {
      assert.equal(chunk.length, 5);
      for (const connection of connections) connection.resetAndDestroy();
    }
  };
  await assert.rejects(reading(), { kind: 'failed' });
});

test('an answer that is longer than its length is read to its length', async () => {
  await using server = await serveBytes('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more');
  assert.equal(await get(server).then(countBytes), 5);
  await server.allClosed();
});

test('an answer that is not HTTP, that contradicts itself, or that never comes fails', async () => {
  for (const answer of [
    '',
    '\0\0\0\0',
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ]) {
    await using server = await serveTcp((socket) => void socket.once('data', () => socket.end(answer)));
    await assert.rejects(get(server).then(countBytes), { kind: 'failed' }, JSON.stringify(answer));
  }
});

test('ten thousand headers, one huge header and endless interim answers fail', async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `x-${index}: y\r\n`).join('');
  await using first = await serveBytes(`HTTP/1.1 200 OK\r\n${many}\r\nhello`);
  await assertRefused(first, 'failed');
  await using second = await serveBytes(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\nhello`);
  await assertRefused(second, 'failed');
  await using short = await serveBytes(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(2_000)}\r\n\r\nhello`);
  await assertRefused(short, 'failed', { headerBytesMax: 1_000 });
  await using third = await serveTcp((socket) => {
    const pour = (): void =>
      void (socket.destroyed || (socket.write('HTTP/1.1 100 Continue\r\n\r\n'), setImmediate(pour)));
    pour();
  });
  await assertRefused(third, 'timeout', { headersMs: 50 });
});

test('an encoded answer is refused unread, however often it is wrapped', async () => {
  const bomb = gzipSync(gzipSync(Buffer.alloc(1_000_000))).toString('latin1');
  for (const header of [
    'Content-Encoding: gzip',
    'Content-Encoding: gzip, gzip',
    'Content-Encoding: br',
    'Content-Encoding: identity\r\nContent-Encoding: gzip',
    'Transfer-Encoding: gzip, chunked',
  ]) {
    await using server = await serveBytes(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${bomb}`);
    await assert.rejects(get(server), { kind: 'failed' }, header);
    await server.allClosed();
  }
});

test('an abort while the body comes is heard by the reader, and the connection closes', async () => {
  await using server = await serveBytes('HTTP/1.1 200 OK\r\n\r\nx');
  const controller = new AbortController();
  const reason = new Error('gone');
  const response = await get(server, {}, controller.signal);
  const reading = countBytes(response);
  controller.abort(reason);
  await assert.rejects(reading, reason);
  await server.allClosed();
});

test('a reader that leaves early, or an answer that is disposed unread, closes the connection', async () => {
  await using server = await serveBytes(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_000)}`);
  for await (const chunk of (await get(server)).body) {
    assert.ok(chunk.length > 0);
    break;
  }
  await server.allClosed();
  {
    using response = await get(server);
    assert.equal(response.status, 200);
  }
  await server.allClosed();
});

test('a finished download leaves no timer and no listener behind', async () => {
  await using server = await serveHttp((_, response) => response.end('done'));
  const controller = new AbortController();
  const countTimers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const timersBefore = countTimers();
  assert.equal(await get(server, {}, controller.signal).then(countBytes), 4);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  assert.equal(countTimers(), timersBefore);
});
