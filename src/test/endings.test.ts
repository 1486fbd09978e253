/** How calls and servers end: callers that leave, time limits, signals, kill -9. Nothing is charged and nothing stays behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { recordings, wavFile, wavSamples } from './recordings.ts';
import {
  bodyOf,
  oneOfEachWith,
  serveRecordings,
  startServer,
  type RecordingServer,
  type RunningServer,
} from './running-server.ts';

/** The server that callers leave. */
let patient: RunningServer;
let patientFolder: string;
let files: RecordingServer;

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'earshot-endings-'));

before(async () => {
  files = await serveRecordings();
  patientFolder = await newFolder();
  patient = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, TMPDIR: patientFolder } });
});

after(async () => {
  await patient?.[Symbol.asyncDispose]();
  await files?.[Symbol.asyncDispose]();
  await rm(patientFolder, { recursive: true, force: true });
});

interface Refusal {
  readonly error: { readonly code: string };
}

/** Three minutes of speech: long enough that a call on it is still running whenever a test looks. */
function longRecording(): Buffer {
  const utterances = recordings().map(({ name }) => wavSamples(name));
  const samples = new Int16Array(180 * 16_000);
  for (let offset = 0, turn = 0; offset < samples.length; turn += 1) {
    const next = utterances[turn % utterances.length] ?? new Int16Array(1);
    samples.set(next.subarray(0, samples.length - offset), offset);
    offset += next.length;
  }
  return wavFile(samples);
}

async function settled(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(what);
}

/** What the key has spent and holds now. */
async function money(server: RunningServer, key: string): Promise<string[]> {
  const { spent_usd, held_usd } = await server.keyStatus(key);
  return [spent_usd, held_usd];
}

/** What lies in the folders of the running server, and of any that was killed before it. */
function temporaryFiles(server: RunningServer): string[] {
  const parent = join(server.dataDirectory, 'temporary');
  return readdirSync(parent).flatMap((folder) => readdirSync(join(parent, folder)));
}

async function metric(server: RunningServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function inTemporaryFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await newFolder();
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function assertNothingIsLeft(key: string): Promise<void> {
  await settled(async () => (await metric(patient, 'earshot_calls_in_flight')) === 0, 'a call goes on');
  assert.deepEqual(await money(patient, key), ['0', '0']);
  assert.equal(await metric(patient, 'earshot_queue_audio_seconds'), 0);
  assert.deepEqual([...readdirSync(patientFolder), ...temporaryFiles(patient)], []);
}

function serveLong(files: RecordingServer): string {
  const content = longRecording();
  return files.serve('long', (_, response) => response.end(content));
}

test('a caller that leaves while the engine works stops it: no charge, no hold, no file', async () => {
  const { key } = await patient.createKey('--cap-usd', '1');
  const caller = new AbortController();
  const call = patient.run(key, serveLong(files), {}, caller.signal);
  await settled(async () => (await patient.keyStatus(key)).held_usd !== '0', 'the call never held anything');
  caller.abort();
  await assert.rejects(call);
  await assertNothingIsLeft(key);
  assert.match((await bodyOf<{ text: string }>(await patient.run(key, files.url('go-forward.wav')))).text, /forward/i);
});

/** How a source can be when its caller leaves. Each begins its answer and never ends it. */
const UNENDING_SOURCES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'has not answered yet': () => {},
  'has begun to send': (response) => void response.write(longRecording().subarray(0, 100_000)),
  'sends as fast as it can': (response) => {
    const chunk = Buffer.alloc(65_536);
    const send = (): void => {
      while (!response.destroyed && response.write(chunk)) {}
    };
    // An hour of silence is announced.
    response.write(wavFile(new Int16Array(8)).fill(0xff, 40, 44));
    response.on('drain', send);
    send();
  },
};

for (const [how, begin] of Object.entries(UNENDING_SOURCES)) {
  test(`a caller that leaves stops the download within 100 ms while the source ${how}: no charge, no hold, no file`, async () => {
    const { key } = await patient.createKey('--cap-usd', '1');
    const timesMs: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) timesMs.push(await msFromLeavingToClose(key, begin));
    // Of several tries, so that one hiccup of a busy machine does not count.
    const [, , medianMs = Infinity] = timesMs.sort((one, other) => one - other);
    assert.ok(medianMs <= 100, `${timesMs.map((ms) => ms.toFixed(1)).join(', ')} ms`);
    await assertNothingIsLeft(key);
  });
}

/** From the moment at which a real client closes its connection until the source sees its own closed. */
async function msFromLeavingToClose(key: string, begin: (response: ServerResponse) => void): Promise<number> {
  let closed = Promise.resolve(0);
  const begun = new Promise<void>((seen) => {
    files.serve('unending', (_, response) => {
      closed = once(response, 'close').then(() => performance.now());
      begin(response);
      seen();
    });
  });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const caller = request(`${patient.url}/v1/run`, { method: 'POST', headers });
  caller.on('error', () => {});
  caller.end(JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: files.url('unending') } }));
  await begun;
  // The bytes have come through the whole server by now, and the decoder reads them or waits for more.
  await settled(async () => (await metric(patient, 'earshot_calls_in_flight')) === 1, 'the call never began');
  const leftAt = performance.now();
  caller.destroy();
  return (await closed) - leftAt;
}

test('a call past the time limit of the whole call: 504 engine_timeout, not charged', async () => {
  await inTemporaryFolder(async (folder) => {
    const config = join(folder, 'config.json');
    await writeFile(config, oneOfEachWith({ call_seconds: 1 }));
    await using server = await startServer({
      environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, EARSHOT_CONFIG: config },
    });
    const { key } = await server.createKey();
    const response = await server.run(key, serveLong(files));
    const { error } = await bodyOf<Refusal>(response);
    assert.deepEqual([response.status, error.code], [504, 'engine_timeout']);
    assert.deepEqual(await money(server, key), ['0', '0']);
  });
});

test('SIGTERM: not ready, new calls are refused, the call in flight is answered, exit 0', async () => {
  await using server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  const { key } = await server.createKey();
  let finishSource = (): void => {};
  const arrived = new Promise<void>((seen) => {
    files.serve('slow', (_, response) => {
      finishSource = () => response.end(wavFile(wavSamples('go-forward')));
      seen();
    });
  });
  const inFlight = server.run(key, files.url('slow'));
  await arrived;
  const ended = server.end('SIGTERM');
  await settled(async () => (await fetch(`${server.url}/health/ready`)).status === 503, 'it stayed ready');
  const late = await server.run(key, files.url('go-forward.wav'));
  assert.deepEqual([late.status, (await bodyOf<Refusal>(late)).error.code], [503, 'shutting_down']);
  finishSource();
  assert.equal((await inFlight).status, 200);
  assert.equal(await ended, 0);
});

test('a second SIGTERM aborts the call in flight at once: 503, the hold voided, exit 0', async () => {
  await using server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  const { key } = await server.createKey();
  const inFlight = server.run(key, serveLong(files));
  await settled(async () => (await server.keyStatus(key)).held_usd !== '0', 'the call never held anything');
  const ended = server.end('SIGTERM');
  await settled(async () => (await fetch(`${server.url}/health/ready`)).status === 503, 'it stayed ready');
  server.process.kill('SIGTERM');
  assert.equal((await inFlight).status, 503);
  assert.equal(await ended, 0);
  const { balanced, open_holds } = await server.verify();
  assert.deepEqual([balanced, open_holds], [true, 0]);
});

test('kill -9 in the middle: after a restart the ledger is balanced, the hold released, and nothing was charged', async () => {
  await inTemporaryFolder(async (folder) => {
    await using server = await startServer({
      environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, TMPDIR: folder },
    });
    const { key } = await server.createKey('--cap-usd', '1');
    const call = server.run(key, serveLong(files)).catch(() => null);
    await settled(async () => (await server.keyStatus(key)).held_usd !== '0', 'the call never held anything');
    await server.end('SIGKILL');
    await call;
    await using again = await server.restart();
    assert.deepEqual([...readdirSync(folder), ...temporaryFiles(again)], []);
    await settled(async () => (await again.keyStatus(key)).held_usd === '0', 'the hold stayed');
    assert.equal((await again.keyStatus(key)).spent_usd, '0');
    const { balanced, open_holds } = await again.verify();
    assert.deepEqual([balanced, open_holds], [true, 0]);
    assert.equal((await again.run(key, files.url('go-forward.wav'))).status, 200);
  });
});

test('where others can reach the server the stand-in is refused: 503 engine_unavailable', async () => {
  await using server = await startServer({
    environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, EARSHOT_PUBLIC_URL: 'https://speech.example.com' },
  });
  const { key } = await server.createKey();
  const response = await server.run(key, files.url('go-forward.wav'));
  const { error } = await bodyOf<Refusal>(response);
  assert.deepEqual([response.status, error.code], [503, 'engine_unavailable']);
  assert.ok(response.headers.has('retry-after'));
  const own = await server.run(key, files.url('go-forward.wav'), { model: 'moonshine/tiny' });
  assert.equal(own.status, 200);
});
