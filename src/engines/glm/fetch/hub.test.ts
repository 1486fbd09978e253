import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { FilesError } from '../files-error.ts';
import { temporaryFolder } from '../tiny.test-checkpoint.ts';
import { startHub, type Hub } from './hub.test-hub.ts';
import { downloadCheckpoint, REPOSITORY } from './hub.ts';

const WEIGHTS = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));
const CONTENT: Readonly<Record<string, Buffer>> = {
  'config.json': Buffer.from('{"model_type":"glmasr"}'),
  'tokenizer.json': Buffer.from('{}'),
  'model.safetensors': WEIGHTS,
  'README.md': Buffer.from('not wanted'),
};

/** Sends so many bytes and breaks the connection. */
const breakAfter = (bytes: number) => (request: IncomingMessage, response: ServerResponse) => {
  const [, start = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    'content-length': WEIGHTS.length - Number(start),
  });
  response.write(WEIGHTS.subarray(Number(start), Number(start) + bytes), () => response.destroy());
};

async function download(hub: Hub, to: string, signal = new AbortController().signal, onProgress?: () => void) {
  const { baseUrl } = hub;
  const progress = onProgress === undefined ? {} : { onProgress };
  return downloadCheckpoint({ baseUrl, repository: REPOSITORY, revision: 'main', to, get: fetch, signal, ...progress });
}

test('the files that a conversion needs arrive whole, and the second time nothing is loaded again', async () => {
  using folder = temporaryFolder();
  await using hub = await startHub(CONTENT);
  const to = join(folder.path, 'deep/checkpoint');
  assert.deepEqual(await download(hub, to), ['config.json', 'tokenizer.json', 'model.safetensors']);
  assert.deepEqual(readFileSync(join(to, 'model.safetensors')), WEIGHTS);
  assert.equal(existsSync(join(to, 'README.md')), false);
  hub.asked.length = 0;
  await download(hub, to);
  assert.deepEqual(hub.asked, []);
});

test('a connection that breaks is taken up where it broke', async () => {
  using folder = temporaryFolder();
  await using hub = await startHub(CONTENT);
  hub.next = breakAfter(100_000);
  await download(hub, folder.path);
  assert.deepEqual(readFileSync(join(folder.path, 'model.safetensors')), WEIGHTS);
  const [first, second] = hub.asked.filter((name) => name.startsWith('model'));
  assert.equal(first, 'model.safetensors');
  assert.match(second ?? '', /^model\.safetensors bytes=[1-9]\d*-$/);
});

test('an interrupted download goes on with the next command, also from a server without ranges', async () => {
  using folder = temporaryFolder();
  await using hub = await startHub(CONTENT);
  const controller = new AbortController();
  hub.next = (_, response) => {
    response.writeHead(200);
    response.write(WEIGHTS.subarray(0, 50_000));
  };
  const part = join(folder.path, 'model.safetensors.part');
  const interrupted = download(hub, folder.path, controller.signal, () => {
    if (existsSync(part)) controller.abort(new Error('Interrupted.'));
  });
  await assert.rejects(interrupted, /Interrupted/);
  assert.ok(statSync(part).size <= 50_000);
  writeFileSync(part, WEIGHTS.subarray(0, 20_000));
  hub.next = (_, response) => response.writeHead(200).end(WEIGHTS);
  await download(hub, folder.path);
  assert.deepEqual(readFileSync(join(folder.path, 'model.safetensors')), WEIGHTS);
  assert.equal(existsSync(part), false);
});

test('content with another hash is thrown away, and said', async () => {
  using folder = temporaryFolder();
  await using hub = await startHub(CONTENT);
  hub.next = (_, response) => response.writeHead(200).end(Buffer.alloc(WEIGHTS.length, 7));
  await assert.rejects(
    download(hub, folder.path),
    (error) => error instanceof FilesError && /other content/.test(error.message),
  );
  assert.equal(existsSync(join(folder.path, 'model.safetensors')), false);
  hub.next = (_, response) => response.writeHead(200).end(Buffer.alloc(WEIGHTS.length + 1));
  await assert.rejects(download(hub, folder.path), /more than the 300000 bytes/);
});

test('a server that is no hub, and one that cannot be reached, are said in a sentence', async () => {
  using folder = temporaryFolder();
  await using hub = await startHub(CONTENT);
  const options = {
    repository: REPOSITORY,
    revision: 'main',
    to: folder.path,
    get: fetch,
    signal: new AbortController().signal,
  };
  await assert.rejects(downloadCheckpoint({ ...options, baseUrl: hub.baseUrl, repository: 'no/body' }), FilesError);
  await assert.rejects(
    downloadCheckpoint({ ...options, baseUrl: 'http://127.0.0.1:1' }),
    (error) => error instanceof FilesError && /cannot be reached/.test(error.message),
  );
});
