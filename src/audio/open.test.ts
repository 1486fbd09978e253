import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { silentLogger } from '../core/log.ts';
import { createGuardedFetch } from './fetch/guarded-fetch.ts';
import type { FetchLimits } from './fetch/limits.ts';
import { NEVER } from './fetch/test-network.ts';
import { serveHttp } from './fetch/test-server.ts';
import { createAudioOpener, type OpenAudio } from './open.ts';

/** An opener with a temporary folder of its own and a server that it may reach. */
async function setUp(listener: RequestListener, limits: Partial<FetchLimits> = {}) {
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'earshot-open-'));
  const server = await serveHttp(listener);
  const place = `127.0.0.1:${server.port}`;
  const guardedFetch = createGuardedFetch({ log: silentLogger, allow: [place], limits });
  return {
    server,
    temporaryDirectory,
    opener: createAudioOpener({ fetch: guardedFetch, temporaryDirectory }),
    source: { kind: 'url', url: `http://${place}/a.wav?signature=1` } as const,
    filesLeft: () => readdir(temporaryDirectory),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(temporaryDirectory, { recursive: true });
    },
  };
}

function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === code && error.param === 'inputs.audio';
}

/** Resolves with the next call of a follower for which the condition holds. */
function heard(audio: OpenAudio, condition: (bytes: number, ended: boolean) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = audio.follow((bytes, ended) => {
      if (!condition(bytes, ended)) return;
      stop();
      resolve();
    });
  });
}

test('a download is opened at its headers and can be followed to its end', async () => {
  const answers: ServerResponse[] = [];
  await using place = await setUp((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.flushHeaders();
    answers.push(response);
  });
  {
    await using audio = await place.opener.open(place.source, NEVER);
    const [response] = answers;
    assert.ok(response !== undefined);
    assert.equal(audio.bytesAvailable, 0);
    assert.equal((await stat(audio.path)).mode & 0o777, 0o600);
    const calls: [number, boolean][] = [];
    audio.follow((bytes, ended) => calls.push([bytes, ended]));
    response.write('first ');
    await heard(audio, (bytes) => bytes === 6);
    assert.equal(await readFile(audio.path, 'utf8'), 'first ');
    response.write('second ');
    await heard(audio, (bytes) => bytes === 13);
    response.end('third');
    await audio.complete;
    assert.equal(audio.bytesAvailable, 18);
    assert.equal(await readFile(audio.path, 'utf8'), 'first second third');
    assert.deepEqual(calls.at(-1), [18, true]);
    assert.equal(calls.filter(([, ended]) => ended).length, 1);
    await heard(audio, (bytes, ended) => bytes === 18 && ended);
  }
  assert.deepEqual(await place.filesLeft(), []);
});

test('growth is told at intervals, not for each write', async () => {
  await using place = await setUp((_, response) => response.end(Buffer.alloc(8_000_000)));
  await using audio = await place.opener.open(place.source, NEVER);
  let calls = 0;
  audio.follow(() => (calls += 1));
  const startedAt = performance.now();
  await audio.complete;
  assert.ok(calls <= (performance.now() - startedAt) / 10 + 2, `${calls} calls`);
});

test('a follower that has left, or whose file is disposed, is not called', async () => {
  await using place = await setUp((_, response) => response.end('audio'));
  const audio = await place.opener.open(place.source, NEVER);
  await audio.complete;
  audio.follow(() => assert.fail('called after it left'))();
  audio.follow(() => assert.fail('called after the end'))();
  await audio[Symbol.asyncDispose]();
  audio.follow(() => assert.fail('called after the disposal'))();
});

test('a status other than 200 is a failed download and leaves nothing', async () => {
  for (const status of [204, 206, 304, 401, 404, 500]) {
    await using place = await setUp((_, response) => response.writeHead(status).end());
    await assert.rejects(place.opener.open(place.source, NEVER), refused('audio_download_failed'), String(status));
    assert.deepEqual(await place.filesLeft(), []);
    await place.server.allClosed();
  }
});

test('each refusal of the fetch has its code, before the file and after it', async () => {
  await using place = await setUp(
    (request, response) => {
      if (request.url === '/large') response.writeHead(200, { 'content-length': 2e12 }).flushHeaders();
      else if (request.url === '/endless') response.writeHead(200).write(Buffer.alloc(2_000));
      else if (request.url === '/short')
        response.writeHead(200, { 'content-length': 9 }).write('short', () => response.destroy());
      else if (request.url === '/silent') response.writeHead(200).write('x');
      else if (request.url === '/inside') response.writeHead(302, { location: 'http://127.0.0.1/' }).end();
      else if (request.url === '/broken') response.writeHead(302, { location: 'http://[' }).end();
    },
    { bodyBytesMax: 1_000, idleMs: 50, headersMs: 200 },
  );
  const at = (path: string) => place.opener.open({ kind: 'url', url: new URL(path, place.source.url).href }, NEVER);
  await assert.rejects(at('/large'), refused('audio_too_large'));
  await assert.rejects(at('/mute'), refused('audio_download_timeout'));
  await assert.rejects(at('/inside'), refused('audio_url_not_allowed'));
  await assert.rejects(at('/broken'), refused('audio_url_invalid'));
  await assert.rejects(
    place.opener.open({ kind: 'url', url: 'http://10.0.0.1/' }, NEVER),
    refused('audio_url_not_allowed'),
  );
  await assert.rejects(place.opener.open({ kind: 'url', url: 'nonsense' }, NEVER), refused('audio_url_invalid'));
  const late: Record<string, ErrorCode> = {
    '/endless': 'audio_too_large',
    '/short': 'audio_download_failed',
    '/silent': 'audio_download_timeout',
  };
  for (const [path, code] of Object.entries(late)) {
    await using audio = await at(path);
    audio.follow((_, ended) => assert.equal(ended, false));
    await assert.rejects(audio.complete, refused(code), path);
  }
  assert.deepEqual(await place.filesLeft(), []);
});

test('an abort stops a running download, and its file is gone once it is disposed', async () => {
  await using place = await setUp((_, response) => void response.writeHead(200).write('begun'));
  const controller = new AbortController();
  const reason = new Error('gone');
  {
    await using audio = await place.opener.open(place.source, controller.signal);
    await heard(audio, (bytes) => bytes === 5);
    controller.abort(reason);
    await assert.rejects(audio.complete, reason);
    await place.server.allClosed();
  }
  assert.deepEqual(await place.filesLeft(), []);
});

test('an abort before the headers leaves nothing', async () => {
  const controller = new AbortController();
  const reason = new Error('gone');
  await using place = await setUp(() => controller.abort(reason));
  await assert.rejects(place.opener.open(place.source, controller.signal), reason);
  await place.server.allClosed();
  assert.deepEqual(await place.filesLeft(), []);
});

test('disposing a running download stops it, as often as one likes', async () => {
  await using place = await setUp((_, response) => void response.writeHead(200).write('begun'));
  const audio = await place.opener.open(place.source, NEVER);
  await heard(audio, (bytes) => bytes === 5);
  await audio[Symbol.asyncDispose]();
  await audio[Symbol.asyncDispose]();
  await assert.rejects(audio.complete, { name: 'AbortError' });
  await place.server.allClosed();
  assert.deepEqual(await place.filesLeft(), []);
});

test('a folder that cannot be written to ends the download', async () => {
  await using place = await setUp((_, response) => void response.writeHead(200).write('begun'));
  const guardedFetch = createGuardedFetch({ log: silentLogger, allow: [`127.0.0.1:${place.server.port}`] });
  const opener = createAudioOpener({
    fetch: guardedFetch,
    temporaryDirectory: join(place.temporaryDirectory, 'missing'),
  });
  await assert.rejects(opener.open(place.source, NEVER), { code: 'ENOENT' });
  await place.server.allClosed();
});

test('a large download arrives whole', async () => {
  const size = 64 * 1_048_576;
  await using place = await setUp((_, response) => {
    response.writeHead(200, { 'content-length': size });
    const block = Buffer.alloc(1_048_576);
    let sent = 0;
    const pour = (): void => {
      while (sent < size) {
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', pour);
      }
      response.end();
    };
    pour();
  });
  await using audio = await place.opener.open(place.source, NEVER);
  await audio.complete;
  assert.equal((await stat(audio.path)).size, size);
});

test('a data URL of audio in strict base64 becomes a file', async () => {
  await using place = await setUp(() => {});
  const bytes = Buffer.from('RIFF and so on…');
  for (const header of ['data:audio/wav;base64,', 'data:audio/mpeg;codecs=mp3;base64,', 'DATA:AUDIO/x-m4a;BASE64,']) {
    await using audio = await place.opener.open({ kind: 'data', url: header + bytes.toString('base64') }, NEVER);
    await audio.complete;
    assert.deepEqual(await readFile(audio.path), bytes);
    assert.equal(audio.bytesAvailable, bytes.length);
  }
  assert.deepEqual(await place.filesLeft(), []);
});

test('any other data URL is invalid and leaves nothing', async () => {
  await using place = await setUp(() => {});
  for (const url of [
    'data:,plain',
    'data:text/plain;base64,AAAA',
    'data:audio/wav,AAAA',
    'data:audio/wav;base64',
    'data:audio/;base64,AAAA',
    'data:audio/wav;base64,AAA',
    'data:audio/wav;base64,AAB=',
    'data:audio/wav;base64,A A A A',
    'data:audio/wav;base64,AA\nAA',
    'data:audio/wav;base64,AA-_',
    'data:audio/wav;base64,AA%2B',
    'data:audio/wav;base64,AAAA====',
    `data:audio/wav;${'x=y;'.repeat(100)}base64,AAAA`,
    'http://example.com/',
  ])
    await assert.rejects(place.opener.open({ kind: 'data', url }, NEVER), refused('audio_url_invalid'), url);
  assert.deepEqual(await place.filesLeft(), []);
});

test('a file is read in place and stays', async () => {
  await using place = await setUp(() => {});
  const path = join(place.temporaryDirectory, 'mine.wav');
  await writeFile(path, 'mine');
  {
    await using audio = await place.opener.open({ kind: 'file', path }, NEVER);
    assert.equal(audio.path, path);
    assert.equal(audio.bytesAvailable, 4);
    await heard(audio, (bytes, ended) => bytes === 4 && ended);
    await audio.complete;
  }
  assert.deepEqual(await place.filesLeft(), ['mine.wav']);
});

test('a file that is missing, or a folder, is refused', async () => {
  await using place = await setUp(() => {});
  await mkdir(join(place.temporaryDirectory, 'folder'));
  for (const name of ['none.wav', 'folder'])
    await assert.rejects(
      place.opener.open({ kind: 'file', path: join(place.temporaryDirectory, name) }, NEVER),
      refused('invalid_parameter'),
    );
});
