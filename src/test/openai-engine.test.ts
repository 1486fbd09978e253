/** The engine for OpenAI-compatible servers in front of fakes of vLLM and SGLang. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { createOpenAiEngine, type OpenAiOptions } from '../engines/openai/engine.ts';
import { OPENAI_SHAPES, startFakeOpenAi } from './fake-openai.ts';
import { readForm, vendorShapes, type RecordedError } from './fake-vendor.ts';
import { floatSamples, textOf } from './recordings.ts';
import { failureOf } from './vendor-errors.ts';

const OPENAI = vendorShapes<{
  readonly transcription: object;
  readonly verbose: { readonly segments: readonly object[] };
  readonly errors: readonly RecordedError[];
}>('openai');

const fake = await startFakeOpenAi({ apiKey: 'test-key', text: textOf });
after(() => fake[Symbol.asyncDispose]());

function createEngine(options: Partial<OpenAiOptions> = {}) {
  return createOpenAiEngine({
    id: 'cluster',
    mode: 'chat',
    baseUrl: fake.baseUrl,
    apiKey: 'test-key',
    modelName: 'zai-org/GLM-ASR-Nano-2512',
    headers: {},
    timeoutMs: 60_000,
    inFlightMax: 4,
    languages: null,
    prompt: false,
    timestamps: false,
    instruction: 'Please transcribe this audio into text',
    clock: systemClock,
    log: silentLogger,
    ...options,
  });
}

const piece = floatSamples('go-forward');
const { signal } = new AbortController();
const ASKED = { outputTokensMax: 40, language: 'de', prompt: 'Before.', hotwords: ['ten'], userId: 'user-1' };

function answered(body: unknown) {
  fake.next({ kind: 'answer', answer: { status: 200, body } });
}

async function formSent(options: Partial<OpenAiOptions>): Promise<Record<string, string>> {
  await createEngine({ mode: 'transcriptions', ...options }).transcribe(piece, ASKED, signal);
  const form = await readForm(fake.requests.at(-1) ?? assert.fail());
  return Object.fromEntries(
    [...(form ?? [])].map(([name, value]) => [name, typeof value === 'string' ? value : value.name]),
  );
}

test('a chat has the audio first, then the instruction, with the bound of its tokens', async () => {
  await createEngine({ instruction: 'Write it down' }).transcribe(piece, ASKED, signal);
  const { path, body, headers } = fake.requests.at(-1) ?? assert.fail();
  const sent = JSON.parse(body.toString()) as { messages: { content: { type: string; text?: string }[] }[] };
  const { messages, ...rest } = sent;
  assert.equal(path, '/v1/chat/completions');
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(rest, { model: 'zai-org/GLM-ASR-Nano-2512', temperature: 0, max_tokens: 40, stream: false });
  assert.deepEqual(
    messages.map(({ content }) => content.map(({ type, text }) => [type, text])),
    [
      [
        ['input_audio', undefined],
        ['text', 'Write it down'],
      ],
    ],
  );
});

test('a chat gives its tokens, and says where the text was cut for want of them', async () => {
  const samples = floatSamples('sense-leisure');
  const cut = await createEngine().transcribe(samples, { outputTokensMax: 3 }, signal);
  assert.deepEqual(cut, { text: 'And Mr. John', outputTokens: 3, truncated: true });
  const whole = await createEngine().transcribe(samples, { outputTokensMax: 100 }, signal);
  assert.equal(whole.text, textOf(Int16Array.from(samples, (sample) => sample * 32_768)));
  assert.equal(whole.outputTokens, whole.text.split(' ').length + 1);
  assert.equal(whole.truncated, undefined);
});

test('a chat without content is an empty text, one in parts is joined, and one without an answer fails', async () => {
  const completion = (message: unknown) => ({ choices: [{ message, finish_reason: 'stop' }] });
  answered(completion({ role: 'assistant', content: null }));
  assert.deepEqual(await createEngine().transcribe(piece, ASKED, signal), { text: '' });
  const parts = ['Go ', 'forward.'].map((text) => ({ type: 'text', text }));
  answered(completion({ role: 'assistant', content: parts }));
  assert.deepEqual(await createEngine().transcribe(piece, ASKED, signal), { text: 'Go forward.' });
  for (const body of [
    { choices: [] },
    {},
    completion({}),
    completion({ content: [{ type: 'image' }] }),
    completion(5),
  ]) {
    answered(body);
    assert.equal((await failureOf(createEngine())).fault, 'failed');
  }
});

test('a count of tokens that is none is left out', async () => {
  for (const count of [-1, 1.5, '7', null]) {
    answered({ choices: [{ message: { content: 'Go.' } }], usage: { completion_tokens: count } });
    assert.deepEqual(await createEngine().transcribe(piece, ASKED, signal), { text: 'Go.' });
  }
});

test('a transcription sends what the server is configured to take, and no more', async () => {
  const plain = {
    model: 'zai-org/GLM-ASR-Nano-2512',
    response_format: 'json',
    temperature: '0',
    file: 'piece.wav',
  };
  assert.deepEqual(await formSent({}), { ...plain, language: 'de' });
  assert.deepEqual(await formSent({ languages: ['en', 'de'] }), { ...plain, language: 'de' });
  assert.deepEqual(await formSent({ languages: ['en'] }), plain);
  assert.deepEqual(await formSent({ languages: ['en'], prompt: true }), { ...plain, prompt: 'Before.' });
  assert.equal(fake.requests.at(-1)?.path, '/v1/audio/transcriptions');
});

test('a transcription gives tokens where the server counts them', async () => {
  const engine = createEngine({ mode: 'transcriptions' });
  answered(OPENAI.transcription);
  assert.deepEqual(await engine.transcribe(piece, ASKED, signal), { text: 'What was said.', outputTokens: 6 });
  for (const { transcription } of Object.values(OPENAI_SHAPES)) {
    answered(transcription);
    assert.deepEqual(await engine.transcribe(piece, ASKED, signal), { text: 'What was said.' });
  }
});

test('with timestamps it asks for verbose_json and gives segments within the piece', async () => {
  const engine = createEngine({ mode: 'transcriptions', timestamps: true });
  assert.equal(engine.capabilities.timestamps, true);
  answered(OPENAI.verbose);
  const reply = await engine.transcribe(new Float32Array(16_000 * 5), ASKED, signal);
  const form = await readForm(fake.requests.at(-1) ?? assert.fail());
  assert.deepEqual([form?.get('response_format'), form?.get('timestamp_granularities[]')], ['verbose_json', 'segment']);
  assert.deepEqual(reply, {
    text: 'What was said. And what came then.',
    segments: [
      { start: 0.5, end: 2.25, text: 'What was said.' },
      { start: 2.5, end: 5, text: 'And what came then.' },
    ],
  });
});

test('segments that cannot be are left out, and the text stays', async () => {
  const engine = createEngine({ mode: 'transcriptions', timestamps: true });
  const segment = { start: 0, end: 1, text: 'Go.' };
  for (const segments of [
    undefined,
    'none',
    [{ ...segment, start: '0' }],
    [{ ...segment, end: null }],
    [{ ...segment, text: undefined }],
    [{ ...segment, start: 2 }],
    [{ ...segment, start: -1 }],
    [{ ...segment, start: 0.5 }, segment],
  ]) {
    answered({ text: 'Go.', segments });
    assert.deepEqual(await engine.transcribe(piece, ASKED, signal), { text: 'Go.' });
  }
  answered({ text: '', segments: [] });
  assert.deepEqual(await engine.transcribe(piece, ASKED, signal), { text: '', segments: [] });
});

test('the key and further headers go along, and no key where none is configured', async () => {
  await createEngine({ headers: { 'x-team': 'speech' } }).transcribe(piece, ASKED, signal);
  const { headers } = fake.requests.at(-1) ?? assert.fail();
  assert.deepEqual([headers.authorization, headers['x-team']], ['Bearer test-key', 'speech']);
  const error = await failureOf(createEngine({ apiKey: null }));
  assert.equal(fake.requests.at(-1)?.headers.authorization, undefined);
  assert.equal(error.fault, 'unavailable');
});

test('a model that the server does not have is said in words for the operator', async () => {
  const error = await failureOf(createEngine({ modelName: 'none' }));
  assert.match(error.detail ?? '', /does not know the model or the address/);
});

const RECORDED = { openai: OPENAI.errors, vllm: OPENAI_SHAPES.vllm.errors, sglang: OPENAI_SHAPES.sglang.errors };
for (const [server, errors] of Object.entries(RECORDED)) {
  for (const { fault, retryAfterMs, ...answer } of errors) {
    test(`${server}: HTTP ${answer.status} with ${JSON.stringify(answer.body).slice(0, 70)} is ${fault}`, async () => {
      for (const mode of ['chat', 'transcriptions'] as const) {
        fake.next({ kind: 'answer', answer });
        const error = await failureOf(createEngine({ mode }));
        assert.deepEqual([error.fault, error.retryAfterMs], [fault, retryAfterMs]);
      }
    });
  }
}
