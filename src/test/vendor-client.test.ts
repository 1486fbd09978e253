/** What can go wrong between an engine and its vendor, over real connections. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { createZaiEngine } from '../engines/zai/engine.ts';
import type { Misbehaviour } from './fake-vendor.ts';
import { startFakeZai } from './fake-zai.ts';
import { floatSamples, textOf } from './recordings.ts';
import { failureOf } from './vendor-errors.ts';

const API_KEY = '0123456789abcdef.SECRETSECRET';
const fake = await startFakeZai({ apiKey: API_KEY, text: textOf });
const elsewhere = await startFakeZai({ apiKey: API_KEY, text: () => 'Stolen.' });
after(() => Promise.all([fake[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()]));

function createEngine(timeoutMs: number, baseUrl = fake.baseUrl) {
  const services = { clock: systemClock, log: silentLogger };
  return createZaiEngine({ ...services, id: 'zai', apiKey: API_KEY, baseUrl, timeoutMs, inFlightMax: 5 });
}

const engine = createEngine(60_000);
beforeEach(() => fake.idle());

async function failureAfter(misbehaviour: Misbehaviour) {
  fake.next(misbehaviour);
  return failureOf(engine);
}

for (const kind of ['drop', 'drop-half-way'] as const) {
  test(`a connection that ends (${kind}) is a failure that another attempt may mend`, async () => {
    const error = await failureAfter({ kind });
    assert.deepEqual([error.fault, error.code], ['failed', 'engine_failed']);
    assert.match(error.detail ?? '', /not reachable, or the connection broke off/);
  });
}

for (const kind of ['hang', 'hang-half-way'] as const) {
  test(`a vendor that does not answer in time (${kind}) is given up, and its connection closed`, async () => {
    fake.next({ kind });
    const error = await failureOf(createEngine(300));
    assert.deepEqual([error.fault, error.code, error.status], ['failed', 'engine_timeout', 504]);
    await fake.idle();
  });
}

test('a slow vendor that answers within its time is waited for', async () => {
  let go: () => void = () => {};
  const { signal } = new AbortController();
  fake.next({ kind: 'slow', until: new Promise<void>((resolve) => (go = resolve)) });
  const received = fake.requests.length + 1;
  const reply = engine.transcribe(floatSamples('go-forward'), { outputTokensMax: 100 }, signal);
  await fake.received(received);
  go();
  assert.match((await reply).text, /forward/);
});

test('nobody at the address is said as not reachable', async () => {
  const gone = await startFakeZai({ text: textOf });
  await gone[Symbol.asyncDispose]();
  const error = await failureOf(createEngine(60_000, gone.baseUrl));
  assert.equal(error.fault, 'failed');
  assert.match(error.detail ?? '', /not reachable.*ECONNREFUSED/);
});

test('a redirect is refused, and the key goes nowhere else', async () => {
  const error = await failureAfter({ kind: 'redirect', to: `${elsewhere.baseUrl}/audio/transcriptions` });
  assert.equal(error.fault, 'unavailable');
  assert.match(error.detail ?? '', /redirect .*base_url/);
  assert.equal(elsewhere.requests.length, 0);
});

test('a reply of more than 1 MiB is not read to its end', async () => {
  const body = JSON.stringify({ text: 'a'.repeat(2 ** 20) });
  const error = await failureAfter({ kind: 'answer', answer: { status: 200, body } });
  assert.deepEqual([error.fault, error.detail], ['failed', 'Its reply has more than 1 MiB.']);
});

for (const [what, body] of [
  ['no JSON', '{"text": "Some'],
  ['a web page', '<html>ok</html>'],
  ['nothing', ''],
  ['a list', [{ text: 'Some.' }]],
  ['no text', { id: 'x' }],
  ['a text that is null', { text: null }],
  ['a text that is a number', { text: 5 }],
] as const) {
  test(`a success with ${what} in it is a failure, and its content stays out of the log`, async () => {
    const error = await failureAfter({ kind: 'answer', answer: { status: 200, body } });
    assert.deepEqual([error.fault, error.detail], ['failed', 'Its reply is not what the API promises.']);
  });
}

test('what the vendor says is for the log, cut and without the key', async () => {
  const message = `Key ${API_KEY} is bad. ${'Very. '.repeat(500)}`;
  const answer = { status: 401, body: { error: { code: '1002', message } } };
  const error = await failureAfter({ kind: 'answer', answer });
  assert.match(error.detail ?? '', /check api_key.*HTTP 401: code 1002, Key \[key\] is bad/);
  assert.ok((error.detail?.length ?? 0) < 450);
});

test('when to come back is taken from the reply', async () => {
  const answer = { status: 429, headers: { 'retry-after': '7' }, body: { error: { code: '1302', message: 'Busy' } } };
  const error = await failureAfter({ kind: 'answer', answer });
  assert.deepEqual([error.fault, error.retryAfterMs, error.retryAfterSeconds], ['busy', 7_000, 7]);
});

test('each attempt is one request, whatever comes of it', async () => {
  const before = fake.requests.length;
  await failureAfter({ kind: 'answer', answer: { status: 500, body: '' } });
  assert.equal(fake.requests.length, before + 1);
});
