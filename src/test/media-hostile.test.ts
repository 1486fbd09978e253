/** Files that are built to hurt, sent to one running server: a clear answer to each, and nothing is left of them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { seededRandom } from '../core/seeded-random.ts';
import { hostileFiles, type HostileFile } from './hostile-media.ts';
import { id3Header, silentFlac } from './media-builders.ts';
import {
  bodyOf,
  FIXTURES,
  serveRecordings,
  startServer,
  type RecordingServer,
  type RunningServer,
} from './running-server.ts';

const SEED = 20_250_601;
const MEBIBYTE = 1 << 20;
const DURATION_SECONDS_OFF_MAX = 0.12;
const MEMORY_GROWTH_MAX = 32 * MEBIBYTE;

interface Answer {
  readonly duration_seconds: number;
  readonly cost_usd: string;
  readonly warnings: readonly { readonly code: string; readonly start?: number; readonly end?: number }[];
  readonly error?: { readonly code: string };
}

let folder: string;
let files: RecordingServer;
let server: RunningServer;
let key: string;
let restingBytes: number;
let restingChildren: number;
let spentNanoUsd = 0n;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'earshot-hostile-'));
  files = await serveRecordings();
  server = await startServer({
    environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, TMPDIR: folder, EARSHOT_CONFIG: '' },
  });
  ({ key } = await server.createKey('--rpm', '100000'));
  // What every server loads and compiles once, for a call that ends well and for one that ends badly, is not the files' doing.
  for (const name of ['go-forward.mp3', 'go-forward.wav', 'noise.wav']) {
    spentNanoUsd += nanoUsd((await answerTo(files.url(name))).cost_usd);
  }
  await answerTo(serve({ name: 'large', parts: () => largeUnknown(), expected: 'unsupported_audio_format' }));
  restingBytes = processTable('VmRSS');
  restingChildren = childCount();
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Sixty-four mebibytes behind a tag's header: all of it is downloaded before it is known to be nothing. */
function* largeUnknown(): Generator<Uint8Array, void, undefined> {
  yield id3Header(64 * MEBIBYTE - 20);
  for (let count = 0; count < 64; count += 1) yield Buffer.alloc(MEBIBYTE, 0x55);
}

/** Serves the file part by part, under a name and a type that say nothing. */
function serve({ name, parts }: HostileFile): string {
  return files.serve(name, (_, response) => {
    response.setHeader('content-type', 'audio/mpeg');
    const body = Readable.from(parts());
    // A server that has seen enough closes the connection.
    body.on('error', () => {});
    response.on('close', () => body.destroy());
    body.pipe(response);
  });
}

async function answerTo(url: string): Promise<Answer> {
  const response = await server.run(key, url);
  const answer = await bodyOf<Answer>(response);
  assert.ok(response.status === 200 || (response.status >= 400 && response.status < 500), JSON.stringify(answer));
  return answer;
}

function nanoUsd(usd: string): bigint {
  return BigInt(Math.round(Number(usd) * 1e9));
}

/** A number of bytes from the kernel's table of the server's own process. */
function processTable(field: string): number {
  const table = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(table)?.[1]) * 1024;
}

/** The most that the server's own process has held so far. */
function peakBytes(): number {
  return processTable('VmHWM');
}

function childCount(): number {
  const { pid } = server.process;
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
    return sum + (children === '' ? 0 : children.split(' ').length);
  }, 0);
}

function assertNothingLeft(): void {
  const temporary = [folder, join(server.dataDirectory, 'temporary')].flatMap((path) =>
    readdirSync(path, { recursive: true, withFileTypes: true }),
  );
  assert.deepEqual(
    temporary.filter((entry) => entry.isFile()).map((entry) => entry.name),
    [],
  );
  assert.equal(childCount(), restingChildren);
  assert.ok(peakBytes() - restingBytes <= MEMORY_GROWTH_MAX, `${peakBytes() - restingBytes} bytes more`);
}

for (const hostile of hostileFiles(seededRandom(SEED))) {
  const { name, expected } = hostile;
  test(`${name}: ${typeof expected === 'number' ? 'its real length' : expected}`, async () => {
    const answer = await answerTo(serve(hostile));
    if (typeof expected === 'number') {
      assert.equal(answer.error, undefined);
      assert.ok(
        Math.abs(answer.duration_seconds - expected) < DURATION_SECONDS_OFF_MAX,
        `${answer.duration_seconds} s`,
      );
      spentNanoUsd += nanoUsd(answer.cost_usd);
    } else {
      assert.equal(answer.error?.code, expected);
    }
    assertNothingLeft();
  });
}

test('a file that is cut off is transcribed as far as it goes, and the reply says from where text is missing', async () => {
  const whole = readFileSync(join(FIXTURES, 'sense-leisure.webm'));
  const part = whole.subarray(0, Math.floor(whole.length * 0.6));
  const answer = await answerTo(serve({ name: 'cut off', parts: () => [part], expected: 0 }));
  spentNanoUsd += nanoUsd(answer.cost_usd);
  const warning = answer.warnings.find(({ code }) => code === 'audio_damaged');
  assert.ok(warning?.start !== undefined && warning.end !== undefined);
  assert.ok(answer.duration_seconds - warning.start < 0.1 && warning.end <= answer.duration_seconds);
  assertNothingLeft();
});

test('eight files of three days of silence at once: all refused, and the server answers meanwhile', async (t) => {
  const silence = silentFlac(MEBIBYTE);
  const url = serve({ name: 'silence', parts: () => [silence], expected: 'audio_too_long' });
  const refusals = Array.from({ length: 8 }, async () => (await answerTo(url)).error?.code);
  let isOver = false;
  const all = Promise.all(refusals).finally(() => (isOver = true));
  let worstMs = 0;
  do {
    const start = performance.now();
    assert.equal((await fetch(`${server.url}/health/live`)).status, 200);
    worstMs = Math.max(worstMs, performance.now() - start);
  } while (!isOver);
  assert.deepEqual(
    await all,
    Array.from({ length: 8 }, () => 'audio_too_long'),
  );
  assertNothingLeft();
  t.diagnostic(`the slowest answer of /health/live took ${worstMs.toFixed(0)} ms`);
});

test('after all of them: only what was answered is charged, and nothing is held', async (t) => {
  const { spent_usd, held_usd } = await server.keyStatus(key);
  assert.equal(nanoUsd(spent_usd), spentNanoUsd);
  assert.equal(held_usd, '0');
  const { balanced, open_holds } = await server.verify();
  assert.deepEqual([balanced, open_holds], [true, 0]);
  assert.doesNotMatch(server.log(), /worker-exit/);
  t.diagnostic(
    `the server's own process held at most ${((peakBytes() - restingBytes) / MEBIBYTE).toFixed(0)} MiB more`,
  );
});
