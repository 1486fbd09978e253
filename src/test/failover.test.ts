/**
 * A server with two engines for one model, Z.ai in front and a cluster behind it, both of which fail as they are told: its
 * callers get the right text once, are charged once, and are told who answered.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startFakeOpenAi } from './fake-openai.ts';
import { readForm, readWav, type Misbehaviour, type VendorRequest } from './fake-vendor.ts';
import { startFakeZai, ZAI_SHAPES, zaiError } from './fake-zai.ts';
import { recordings, wavFile, wavSamples } from './recordings.ts';
import { bodyOf, serveRecordings, startServer } from './running-server.ts';

const MODEL = 'glm/glm-asr-2512';
/** Twelve minutes, or an hour. */
const LONG_SECONDS = process.env['EARSHOT_TEST_FULL'] === '1' ? 3_600 : 720;
const FAILING_SHARE = 0.03;
const WORDS_PER_SECOND = 2;

const zai = await startFakeZai({ text: spoken });
const cluster = await startFakeOpenAi({ text: spoken });
const files = await serveRecordings();
const folder = await mkdtemp(join(tmpdir(), 'earshot-failover-'));
const config = join(folder, 'earshot.json');
await writeFile(
  config,
  JSON.stringify({
    engines: {
      zai: { type: 'zai', api_key: 'test-id.test-secret', base_url: zai.baseUrl, max_in_flight: 5, timeout_seconds: 2 },
      cluster: { type: 'openai', mode: 'chat', base_url: cluster.baseUrl, model: 'zai-org/GLM-ASR-Nano-2512' },
    },
    models: {
      [MODEL]: {
        engines: ['zai', 'cluster'],
        list_price: { input_usd_per_1m: '0.03', output_usd_per_1m: '0.03' },
      },
    },
  }),
);
const server = await startServer({
  environment: { EARSHOT_CONFIG: config, EARSHOT_FETCH_ALLOW: files.hostAndPort },
});
after(async () => {
  for (const each of [server, zai, cluster, files]) await each[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

interface Reply {
  readonly text: string;
  readonly engine: string;
  readonly engines: readonly string[];
  readonly warnings: readonly { code: string }[];
  readonly cost_usd: string;
}

/** Words that no other piece has, as many as there would be in so much speech. */
function spoken(samples: Int16Array): string {
  const name = digestOf(samples).slice(0, 6);
  const count = Math.max(1, Math.floor((samples.length / 16_000) * WORDS_PER_SECOND));
  return Array.from({ length: count }, (_, index) => `${name}${index}`).join(' ');
}

function digestOf(samples: Int16Array): string {
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

async function transcribe(url: string): Promise<{ reply: Reply; key: string }> {
  const { key } = await server.createKey('--cap-usd', '100');
  const response = await server.run(key, url);
  assert.equal(response.status, 200, await response.clone().text());
  return { reply: await bodyOf<Reply>(response), key };
}

function metric(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

test('where the first engine cannot serve, the next one does, and the reply, the log and the metrics say so', async () => {
  // At its start the server asks each engine how it is.
  await Promise.all([zai, cluster].map((vendor) => vendor.received(1)));
  await zai.idle();
  zai.next({ kind: 'answer', answer: zaiError('1113') });
  const { reply } = await transcribe(files.url('go-forward.wav'));
  assert.deepEqual([reply.engine, reply.engines, reply.warnings], ['cluster', ['cluster'], []]);
  assert.match(server.log(), /"engine":"zai","fault":"unavailable".*balance at Z\.ai.*"breaker":"open"/);
  assert.match(server.log(), /"engine":"cluster"/);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.equal(metric(metrics, 'earshot_engine_attempts_total{engine="zai",outcome="unavailable"}'), 1);
  assert.ok(metric(metrics, 'earshot_engine_attempts_total{engine="cluster",outcome="text"}') >= 1);
  assert.equal(metric(metrics, 'earshot_engine_breaker{engine="zai"}'), 2);
  assert.equal(metric(metrics, 'earshot_engine_ready{engine="zai"}'), 0);
  assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
});

test('once a probe has passed, the first engine serves again', async () => {
  const before = zai.requests.length;
  // The breaker lets a trial through after five seconds, and the server looks every second.
  await zai.received(before + 1);
  await zai.idle();
  const { reply } = await transcribe(files.url('go-forward.wav'));
  assert.deepEqual([reply.engine, reply.engines], ['zai', ['zai']]);
});

test('a long recording with failures of every kind has the right text, one charge, and no piece is sent more than three times', async () => {
  const body = wavFile(longRecording(LONG_SECONDS));
  const url = files.serve('long.wav', (_, response) => response.end(body));
  const clean = await transcribe(url);
  const sends = new Map<string, number>();
  const [zaiBefore, clusterBefore] = [zai.requests.length, cluster.requests.length];
  const kinds = everyKindOfFailure();
  let failures = 0;
  zai.misbehave = (index) => {
    // By the number of the request: so a second try of a piece is as likely to fail as a first one.
    const isFailing = index % Math.round(1 / FAILING_SHARE) === 7;
    if (!isFailing) return null;
    const kind = kinds[failures % kinds.length] ?? null;
    failures += 1;
    return kind;
  };
  const { reply, key } = await transcribe(url);
  zai.misbehave = () => null;
  for (const request of [...zai.requests.slice(zaiBefore), ...cluster.requests.slice(clusterBefore)]) {
    const samples = await samplesOf(request);
    // A probe's second is no piece.
    if (samples === null || samples.length === 16_000) continue;
    const digest = digestOf(samples);
    sends.set(digest, (sends.get(digest) ?? 0) + 1);
  }
  assert.ok(failures > 0);
  assert.equal(reply.text, clean.reply.text);
  assert.equal(new Set(reply.text.split(' ')).size, reply.text.split(' ').length);
  assert.deepEqual(reply.warnings, []);
  assert.ok(Math.max(...sends.values()) <= 3, JSON.stringify([...sends.values()]));
  assert.ok(zai.inFlightMost <= 6, 'five pieces, and a probe');
  const { spent_usd: spent, held_usd: held } = await server.keyStatus(key);
  assert.deepEqual([spent, Number(held)], [reply.cost_usd, 0]);
  assert.equal(reply.cost_usd, clean.reply.cost_usd);
  assert.deepEqual(await server.verify().then(({ balanced, open_holds }) => [balanced, open_holds]), [true, 0]);
});

/** The utterances of the fixtures, one after the other with a second between them, each round louder or quieter. */
function longRecording(seconds: number): Int16Array {
  const pause = new Int16Array(16_000);
  const utterances = recordings().map(({ name }) => wavSamples(name));
  const whole = new Int16Array(seconds * 16_000);
  let start = 0;
  for (let round = 0; start < whole.length; round += 1) {
    const gain = 0.5 + ((round * 7) % 50) / 100;
    for (const part of utterances.flatMap((utterance) => [utterance, pause])) {
      const fitting = part.subarray(0, whole.length - start);
      fitting.forEach((sample, index) => (whole[start + index] = Math.round(sample * gain)));
      start += fitting.length;
    }
  }
  return whole;
}

/** Each recorded refusal of the vendor, and each way in which a connection goes wrong. */
function everyKindOfFailure(): Misbehaviour[] {
  return [
    ...ZAI_SHAPES.errors.map((answer): Misbehaviour => ({ kind: 'answer', answer })),
    { kind: 'drop' },
    { kind: 'drop-half-way' },
    { kind: 'hang' },
    { kind: 'hang-half-way' },
    { kind: 'redirect', to: 'http://127.0.0.1:1/' },
    { kind: 'answer', answer: { status: 200, body: '<html>not JSON</html>' } },
    { kind: 'answer', answer: { status: 200, body: { id: 'no text' } } },
  ];
}

async function samplesOf(request: VendorRequest): Promise<Int16Array | null> {
  const form = await readForm(request);
  if (form !== null) {
    const file = form.get('file');
    return file instanceof Blob ? readWav(Buffer.from(await file.arrayBuffer())) : null;
  }
  const asked = JSON.parse(request.body.toString('utf8')) as {
    messages: { content: { input_audio?: { data: string } }[] }[];
  };
  const data = asked.messages[0]?.content.find((part) => part.input_audio !== undefined)?.input_audio?.data;
  return data === undefined ? null : readWav(Buffer.from(data, 'base64'));
}
