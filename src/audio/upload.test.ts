import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { NEVER, setUp as setUpFetch } from './fetch/test-network.ts';
import { createAudioOpener, type OpenAudio } from './open.ts';
import type { UploadLimits } from './upload.ts';

/** An opener for uploads alone, with a temporary folder of its own. */
async function setUp(uploadLimits: Partial<UploadLimits> = {}) {
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'earshot-upload-'));
  const opener = createAudioOpener({
    fetch: setUpFetch({}).guardedFetch,
    temporaryDirectory,
    uploadLimits,
  });
  return {
    open: (chunks: AsyncIterable<Uint8Array>, signal: AbortSignal = NEVER) => opener.receive(chunks, signal),
    filesLeft: () => readdir(temporaryDirectory),
    [Symbol.asyncDispose]: () => rm(temporaryDirectory, { recursive: true }),
  };
}

function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === code && error.param === 'file';
}

function untilBytes(audio: OpenAudio, count: number): Promise<void> {
  return new Promise((resolve) => void audio.follow((bytes) => bytes >= count && resolve()));
}

test('an upload can be followed while it comes, and is whole at its end', async () => {
  await using place = await setUp();
  const sender = new PassThrough();
  {
    await using audio = await place.open(sender);
    sender.write('first ');
    await untilBytes(audio, 6);
    assert.equal(await readFile(audio.path, 'utf8'), 'first ');
    sender.end('second');
    await audio.complete;
    assert.equal(await readFile(audio.path, 'utf8'), 'first second');
  }
  assert.deepEqual(await place.filesLeft(), []);
});

test('an upload of as many bytes as are accepted passes, one more is too large and ends the sender', async () => {
  await using place = await setUp({ bytesMax: 1_000 });
  {
    await using audio = await place.open(Readable.from([Buffer.alloc(600), Buffer.alloc(400)]));
    await audio.complete;
  }
  const sender = new PassThrough();
  const closed = new Promise((resolve) => sender.once('close', resolve));
  sender.write(Buffer.alloc(1_000));
  sender.write(Buffer.alloc(1));
  {
    await using audio = await place.open(sender);
    await assert.rejects(audio.complete, refused('audio_too_large'));
    await closed;
  }
  assert.deepEqual(await place.filesLeft(), []);
});

test('a sender that falls silent, and one that never comes to an end, are refused in time', async () => {
  const silent = new PassThrough();
  silent.write('begun');
  {
    await using place = await setUp({ idleMs: 30 });
    await using audio = await place.open(silent);
    await assert.rejects(audio.complete, refused('audio_download_timeout'));
  }
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield Buffer.alloc(10);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  await using place = await setUp({ idleMs: 10_000, totalMs: 60 });
  await using audio = await place.open(endless());
  await assert.rejects(audio.complete, refused('audio_download_timeout'));
});

test('an upload that breaks off is a failed one', async () => {
  await using place = await setUp();
  const sender = new PassThrough();
  await using audio = await place.open(sender);
  sender.write('begun');
  await untilBytes(audio, 5);
  sender.destroy(new Error('reset'));
  await assert.rejects(audio.complete, refused('audio_download_failed'));
});

test('an abort ends an upload with its reason, and so does the end of its file', async () => {
  await using place = await setUp();
  const controller = new AbortController();
  const reason = new Error('gone');
  const sender = new PassThrough();
  {
    await using audio = await place.open(sender, controller.signal);
    sender.write('begun');
    await untilBytes(audio, 5);
    controller.abort(reason);
    await assert.rejects(audio.complete, reason);
    await assert.rejects(place.open(new PassThrough(), controller.signal), reason);
  }
  const audio = await place.open(new PassThrough());
  await audio[Symbol.asyncDispose]();
  await assert.rejects(audio.complete, { name: 'AbortError' });
  assert.deepEqual(await place.filesLeft(), []);
});
