/** The engine for Z.ai in front of a fake that checks what the vendor checks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { createZaiEngine } from '../engines/zai/engine.ts';
import { startFakeZai, ZAI_SHAPES, zaiError } from './fake-zai.ts';
import { floatSamples, textOf } from './recordings.ts';
import { ROOT } from './running-server.ts';
import { failureOf } from './vendor-errors.ts';

const API_KEY = 'test-id.test-secret';
const fake = await startFakeZai({ apiKey: API_KEY, inFlightMax: 2, text: textOf });
after(() => fake[Symbol.asyncDispose]());

function createEngine({ apiKey = API_KEY, inFlightMax = 5 } = {}) {
  const services = { clock: systemClock, log: silentLogger };
  return createZaiEngine({ ...services, id: 'zai', apiKey, baseUrl: fake.baseUrl, timeoutMs: 60_000, inFlightMax });
}

const engine = createEngine();
const { signal } = new AbortController();

async function fieldsSent(hints: Parameters<typeof engine.transcribe>[1]) {
  await engine.transcribe(floatSamples('go-forward'), hints, signal);
  return fake.fields.at(-1) ?? {};
}

test('it is the model itself, and takes what the vendor documents', () => {
  assert.equal(engine.model, 'glm/glm-asr-2512');
  assert.deepEqual(engine.capabilities, {
    languages: null,
    pieceSecondsMax: 28,
    prompt: true,
    hotwords: true,
    timestamps: false,
    tokenCounts: false,
  });
});

test('without hints it sends the model, no streaming and an id, and nothing else', async () => {
  const { request_id: requestId = '', ...rest } = await fieldsSent({ outputTokensMax: 10, language: 'en' });
  assert.deepEqual(rest, { model: 'glm-asr-2512', stream: 'false' });
  assert.ok(requestId.length >= 6 && requestId.length <= 64);
});

test('every attempt has an id of its own', async () => {
  for (let count = 0; count < 3; count += 1) await fieldsSent({ outputTokensMax: 10 });
  const ids = fake.fields.map((fields) => fields['request_id']);
  assert.equal(new Set(ids).size, ids.length);
});

test('a prompt keeps its end within the advised length, and cuts no character in two', async () => {
  const prompt = `${'😀'.repeat(4_000)}End.`;
  const { prompt: sent = '' } = await fieldsSent({ outputTokensMax: 10, prompt });
  assert.ok(sent.length < 8_000 && sent.length > 7_900);
  assert.ok(sent.endsWith('😀End.') && sent.startsWith('😀'));
  assert.equal('prompt' in (await fieldsSent({ outputTokensMax: 10, prompt: '  ' })), false);
});

test('hotwords go as one JSON list of at most a hundred', async () => {
  const hotwords = Array.from({ length: 120 }, (_, index) => `word "${index}", 词`);
  const { hotwords: sent = '' } = await fieldsSent({ outputTokensMax: 10, hotwords });
  assert.deepEqual(JSON.parse(sent), hotwords.slice(0, 100));
});

test('a user goes along where the vendor takes its length', async () => {
  for (const [userId, sent] of [
    ['user-1', true],
    ['u'.repeat(128), true],
    ['short', false],
    ['u'.repeat(129), false],
  ] as const) {
    assert.equal('user_id' in (await fieldsSent({ outputTokensMax: 10, userId })), sent, userId);
  }
});

for (const { status, body, fault } of ZAI_SHAPES.errors) {
  test(`HTTP ${status} with ${JSON.stringify(body).slice(0, 60)} is ${fault}`, async () => {
    fake.next({ kind: 'answer', answer: { status, body } });
    const error = await failureOf(createEngine());
    assert.equal(error.fault, fault);
    assert.match(error.detail ?? '', new RegExp(`HTTP ${status}`));
  });
}

test('a wrong key, an empty balance and an unknown model are each said in words for the operator', async () => {
  assert.match((await failureOf(createEngine({ apiKey: 'wrong' }))).detail ?? '', /does not accept the key/);
  fake.next({ kind: 'answer', answer: zaiError('1113') });
  assert.match((await failureOf(engine)).detail ?? '', /balance at Z\.ai is exhausted/);
  fake.next({ kind: 'answer', answer: zaiError('1211') });
  assert.match((await failureOf(engine)).detail ?? '', /does not know the model/);
});

test('refused for too many in flight, it asks for fewer, and for more again once all goes well', async () => {
  const eager = createEngine({ inFlightMax: 8 });
  assert.equal(eager.concurrency, 8);
  const piece = floatSamples('go-forward');
  let go: () => void = () => {};
  const until = new Promise<void>((resolve) => (go = resolve));
  fake.next({ kind: 'slow', until }, { kind: 'slow', until });
  const received = fake.requests.length;
  const slow = [1, 2].map(() => eager.transcribe(piece, { outputTokensMax: 10 }, signal));
  await fake.received(received + 2);
  const refused = await Promise.allSettled(
    [1, 2, 3].map(() => eager.transcribe(piece, { outputTokensMax: 10 }, signal)),
  );
  assert.deepEqual(
    refused.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { fault?: string }).fault),
    ['busy', 'busy', 'busy'],
  );
  assert.equal(eager.concurrency, 4);
  go();
  await Promise.all(slow);
  for (let count = 0; count < 4; count += 1) await eager.transcribe(piece, { outputTokensMax: 10 }, signal);
  assert.equal(eager.concurrency, 5);
});

test('docs/engines.md names every code with what it means to callers', () => {
  const document = readFileSync(join(ROOT, 'docs/engines.md'), 'utf8');
  const rows = [...document.matchAll(/^\| ([\d, –]+) \|.*\| `(\w+)` \|$/gm)].flatMap(([, codes = '', fault]) =>
    codes.split(', ').map((range) => ({ range: range.split('–').map(Number), fault })),
  );
  for (const { body, fault } of ZAI_SHAPES.errors) {
    const code = Number((body as { error?: { code?: string } }).error?.code ?? NaN);
    if (!(code >= 1000) || code === 9999) continue;
    const row = rows.find(({ range: [from = NaN, to = from] }) => code >= from && code <= to);
    assert.equal(row?.fault, fault, String(code));
  }
});
