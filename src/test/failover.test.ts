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
import { seededRandom } from '../core/seeded-random.ts';
import { startFakeOpenAi } from './fake-openai.ts';
import { readForm, readWav, type Misbehaviour, type VendorRequest } from './fake-vendor.ts';
import { startFakeZai, ZAI_SHAPES, zaiError } from './fake-zai.ts';
import { recordings, wavFile, wavSamples } from './recordings.ts';
import { bodyOf, serveRecordings, startServer, type RunningServer } from './running-server.ts';

const MODEL = 'glm/glm-asr-2512';
/** Twelve minutes, or an hour. */
const LONG_SECONDS = process.env['EARSHOT_TEST_FULL'] === '1' ? 3_600 : 720;
/** Few pieces need more of it, for there to be any failures. */
const FAILING_SHARE = process.env['EARSHOT_TEST_FULL'] === '1' ? 0.03 : 1 / 8;
const SEED = 5;
const WORDS_PER_SECOND = 2;
/** Less than two calls of so much speech, though one of any length is taken. */
const QUEUE_SECONDS = 30;

const zai = await startFakeZai({ text: spoken });
const cluster = await startFakeOpenAi({ text: spoken });
const files = await serveRecordings();
const folder = await mkdtemp(join(tmpdir(), 'earshot-failover-'));
const server = await startWith('two', ['zai', 'cluster']);
after(async () => {
  for (const each of [server, zai, cluster, files]) await each[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A server with these engines for the model, in order. */
async function startWith(name: string, engines: readonly string[]): Promise<RunningServer> {
  const all = {
    zai: { type: 'zai', api_key: 'test-id.test-secret', base_url: zai.baseUrl, max_in_flight: 5, timeout_seconds: 4 },
    cluster: { type: 'openai', mode: 'chat', base_url: cluster.baseUrl, model: 'zai-org/GLM-ASR-Nano-2512' },
  };
  const config = join(folder, `${name}.json`);
  const listPrice = { input_usd_per_1m: '0.03', output_usd_per_1m: '0.03' };
  await writeFile(
    config,
    JSON.stringify({
      engines: Object.fromEntries(Object.entries(all).filter(([id]) => engines.includes(id))),
      models: { [MODEL]: { engines, list_price: listPrice } },
      limits: { queue_audio_seconds: QUEUE_SECONDS },
    }),
  );
  return startServer({ environment: { EARSHOT_CONFIG: config, EARSHOT_FETCH_ALLOW: files.hostAndPort } });
}

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

async function transcribe(url: string, by = server): Promise<{ reply: Reply; key: string }> {
  const { key } = await by.createKey('--cap-usd', '100');
  const response = await by.run(key, url);
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

/**
 * Fails at random, `FAILING_SHARE` of the requests, with each kind once before one comes again. The third try of a piece is
 * spared: after three failures the call would rightly end.
 */
function failAtRandom(kinds: readonly Misbehaviour[]): { readonly met: Misbehaviour[] } {
  const random = seededRandom(SEED);
  const met: Misbehaviour[] = [];
  const shuffled = kinds.map((kind) => ({ kind, at: random() })).toSorted((one, other) => one.at - other.at);
  const failures = new Map<string, number>();
  const every = Math.round(1 / FAILING_SHARE);
  let [asked, failing] = [0, 0];
  zai.misbehave = async (request) => {
    const samples = await samplesOf(request);
    if (samples === null || isProbe(samples)) return null;
    const piece = digestOf(samples);
    const before = failures.get(piece) ?? 0;
    if (asked % every === 0) failing = asked + Math.floor(random() * every);
    const isFailing = asked >= failing && failing >= 0 && before < 2;
    asked += 1;
    if (!isFailing) return null;
    failing = -1;
    failures.set(piece, before + 1);
    const kind = shuffled[met.length % shuffled.length]?.kind ?? null;
    if (kind !== null) met.push(kind);
    return kind;
  };
  return { met };
}

const long = longRecording(LONG_SECONDS);
const longUrl = files.serve('long.wav', (_, response) => response.end(wavFile(long)));
let clean: Promise<{ readonly reply: Reply }> | null = null;

for (const { name, engines, kinds } of [
  {
    name: 'Z.ai and a cluster behind it, with failures of every kind that concerns one piece',
    engines: ['zai', 'cluster'],
    // A vendor that is busy is left alone for a while, so that the next one has all pieces.
    kinds: failuresOf('failed', 'refused'),
  },
  {
    name: 'Z.ai alone, with failures of every kind that passes',
    engines: ['zai'],
    kinds: failuresOf('failed', 'busy'),
  },
]) {
  test(`a long recording through ${name}, has the right text, one charge, and no piece is sent more than three times`, async () => {
    clean ??= transcribe(longUrl);
    const { reply: wanted } = await clean;
    const asked = zai.requests.length;
    const own = engines.length === 1 ? await startWith('alone', engines) : null;
    await using by = own ?? { ...server, [Symbol.asyncDispose]: async () => {} };
    // A server asks at its start how the engine is.
    if (own !== null) await zai.received(asked + 1);
    await zai.idle();
    const [zaiBefore, clusterBefore] = [zai.requests.length, cluster.requests.length];
    const { met } = failAtRandom(kinds);
    const { reply, key } = await transcribe(longUrl, by);
    zai.misbehave = () => null;
    const toZai = await sendsOf(zai.requests.slice(zaiBefore));
    const toCluster = await sendsOf(cluster.requests.slice(clusterBefore));
    const sends = countsOf([...toZai, ...toCluster]);

    assert.equal(reply.text, wanted.text);
    assert.equal(new Set(reply.text.split(' ')).size, reply.text.split(' ').length);
    assert.deepEqual(reply.warnings, []);
    assert.ok(Math.max(...sends) <= 3, JSON.stringify(sends));
    assert.ok(zai.inFlightMost <= 6, 'five pieces, and a probe');
    const { spent_usd: spent, held_usd: held } = await by.keyStatus(key);
    assert.deepEqual([spent, Number(held)], [reply.cost_usd, 0]);
    assert.equal(reply.cost_usd, wanted.cost_usd);
    assert.deepEqual(await by.verify().then(({ balanced, open_holds }) => [balanced, open_holds]), [true, 0]);

    // That all this was in spite of something.
    assert.ok(Math.abs(met.length - toZai.length * FAILING_SHARE) <= 1.5, `${met.length} of ${toZai.length}`);
    assert.ok(met.length >= 2 && new Set(met).size === Math.min(met.length, kinds.length), `${met.length}`);
    assert.ok(toCluster.length <= met.length, 'only pieces that failed go to the cluster');
    assert.ok(engines.includes('cluster') === toCluster.length > 0);
  });
}

test('speech that finds the queue full is 503 with the time in which there should be room, and costs nothing', async () => {
  const body = wavFile(longRecording(QUEUE_SECONDS + 10));
  const url = files.serve('full.wav', (_, response) => response.end(body));
  let open = (): void => {};
  const until = new Promise<void>((resolve) => (open = resolve));
  for (const vendor of [zai, cluster]) vendor.misbehave = () => ({ kind: 'slow', until });
  const asked = zai.requests.length;
  const first = transcribe(url);
  await zai.received(asked + 1);
  const { key } = await server.createKey();
  const refused = await server.run(key, url);
  assert.equal(refused.status, 503);
  assert.equal((await bodyOf<{ error: { code: string } }>(refused)).error.code, 'overloaded');
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  const { spent_usd: spent, held_usd: held } = await server.keyStatus(key);
  assert.deepEqual([spent, held], ['0', '0']);
  open();
  for (const vendor of [zai, cluster]) vendor.misbehave = () => null;
  await first;
  assert.equal((await server.run(key, url)).status, 200, 'there is room again');
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

/** Each recorded answer of the vendor that means one of these, and each way in which a connection goes wrong. */
function failuresOf(...faults: readonly string[]): Misbehaviour[] {
  return [
    ...ZAI_SHAPES.errors
      .filter(({ fault }) => faults.includes(fault))
      .map((answer): Misbehaviour => ({ kind: 'answer', answer })),
    { kind: 'drop' },
    { kind: 'drop-half-way' },
    { kind: 'hang' },
    { kind: 'hang-half-way' },
    { kind: 'answer', answer: { status: 200, body: '<html>not JSON</html>' } },
    { kind: 'answer', answer: { status: 200, body: { id: 'no text' } } },
  ];
}

function isProbe(samples: Int16Array): boolean {
  return samples.length === 16_000;
}

/** Which pieces were sent, by what is in them. */
async function sendsOf(requests: readonly VendorRequest[]): Promise<string[]> {
  const samples = await Promise.all(requests.map(samplesOf));
  return samples.flatMap((each) => (each === null || isProbe(each) ? [] : [digestOf(each)]));
}

function countsOf(names: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts.values()];
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
