/** OpenAI's door: its official SDK and plain curl against a real server, unchanged, errors included. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, toFile } from 'openai';
import { recordings, wavFile, wavSamples } from './recordings.ts';
import { bodyOf, FIXTURES, startServer } from './running-server.ts';
import { wordErrorRate } from './word-error-rate.ts';

const run = promisify(execFile);
const MODEL = 'glm/glm-asr-2512';
const server = await startServer();
after(() => server[Symbol.asyncDispose]());
const { key, account_id: accountId } = await server.createKey('--cap-usd', '10');

const SPEECH = join(FIXTURES, 'sense-leisure.mp3');
const SAID = recordings().find(({ name }) => name === 'sense-leisure')?.text ?? '';

function client(apiKey = key): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 });
}

/** What the SDK's types leave out. */
interface More {
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number; readonly total_tokens: number };
  readonly cost_usd: string;
  readonly warnings: readonly { readonly code: string; readonly param?: string }[];
}

async function spent(): Promise<bigint> {
  const { spent_usd: usd } = await server.keyStatus(key);
  const [whole = '0', decimals = ''] = usd.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(decimals.padEnd(9, '0'));
}

async function filesLeft(): Promise<string[]> {
  const names = await readdir(server.dataDirectory, { recursive: true });
  return names.filter((name) => /(audio|pcm)-/.test(name));
}

/** Fields and a file as curl sends them. */
async function curl(...fields: string[]): Promise<{ status: number; type: string; headers: string; body: string }> {
  const words = fields.flatMap((field) => ['-F', field]);
  const url = `${server.url}/v1/audio/transcriptions`;
  const { stdout } = await run('curl', ['-sS', '-D', '-', '-H', `Authorization: Bearer ${key}`, ...words, url]);
  const blocks = stdout.split('\r\n\r\n');
  // The first may be "100 Continue".
  const at = blocks.findIndex((block) => block.startsWith('HTTP/1.1') && !block.startsWith('HTTP/1.1 100'));
  const headers = blocks[at] ?? '';
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1]),
    type: /^content-type: (.*)$/im.exec(headers)?.[1] ?? '',
    headers,
    body: blocks.slice(at + 1).join('\r\n\r\n'),
  };
}

test("OpenAI's SDK transcribes a file, and is told what it cost", async () => {
  const before = await spent();
  const reply = (await client().audio.transcriptions.create({
    file: createReadStream(SPEECH),
    model: MODEL,
  })) as OpenAI.Audio.Transcription & More;
  assert.ok(wordErrorRate(SAID, reply.text) <= 0.1, reply.text);
  assert.equal(reply.usage.total_tokens, reply.usage.input_tokens + reply.usage.output_tokens);
  const nano = BigInt(Number(reply.cost_usd) * 1e9);
  assert.equal((await spent()) - before, nano);
  assert.deepEqual(
    reply.warnings.map(({ code }) => code),
    ['stand_in_engine'],
  );
});

test('every format has the same text and the same cost', async () => {
  const costs: bigint[] = [];
  const texts: string[] = [];
  for (const format of ['json', 'text', 'srt', 'vtt', 'verbose_json'] as const) {
    const before = await spent();
    const reply: unknown = await client().audio.transcriptions.create({
      file: createReadStream(SPEECH),
      model: MODEL,
      response_format: format,
    });
    costs.push((await spent()) - before);
    texts.push(wordsIn(typeof reply === 'string' ? reply : (reply as { text: string }).text));
  }
  assert.equal(new Set(costs).size, 1);
  assert.equal(new Set(texts).size, 1, texts.join('\n'));
});

/** The words of a text or of subtitles. */
function wordsIn(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^(WEBVTT|\d+|.*-->.*)?$/.test(line))
    .join(' ')
    .trim();
}

test('verbose_json has the shape that the SDK types, with times within the recording', async () => {
  const reply = await client().audio.transcriptions.create({
    file: createReadStream(SPEECH),
    model: MODEL,
    response_format: 'verbose_json',
    timestamp_granularities: ['segment'],
    language: 'en',
  });
  assert.equal(reply.language, 'english');
  const segments = reply.segments ?? [];
  assert.ok(segments.length > 0);
  segments.forEach(({ id, start, end }, index) => {
    assert.equal(id, index);
    assert.ok(start >= (segments[index - 1]?.end ?? 0) && end > start && end <= Number(reply.duration));
  });
});

test('a stream brings the text piece by piece; joined it is the whole, with its usage at the end', async () => {
  const samples = recordings().flatMap(({ name }) => [...wavSamples(name), ...new Int16Array(48_000)]);
  const file = await toFile(wavFile(Int16Array.from(samples)), 'long.wav');
  const before = await spent();
  const stream = await client().audio.transcriptions.create({ file, model: MODEL, stream: true });
  const deltas: string[] = [];
  let done: (OpenAI.Audio.TranscriptionTextDoneEvent & Partial<More>) | null = null;
  for await (const event of stream) {
    if (event.type === 'transcript.text.delta') deltas.push(event.delta);
    if (event.type === 'transcript.text.done') done = event;
  }
  assert.ok(deltas.length > 1, 'several pieces');
  assert.equal(deltas.join(''), done?.text);
  assert.equal(done?.usage?.total_tokens, (done?.usage?.input_tokens ?? 0) + (done?.usage?.output_tokens ?? 0));
  assert.equal((await spent()) - before, BigInt(Number(done?.cost_usd) * 1e9));
});

test("errors are the SDK's own, with the right status and code", async () => {
  const file = () => createReadStream(SPEECH);
  const failure = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => null,
      (error: unknown) => error,
    );
  const unauthorized = await failure(
    client(`esw_${'x'.repeat(51)}`).audio.transcriptions.create({ file: file(), model: MODEL }),
  );
  assert.ok(unauthorized instanceof AuthenticationError);
  assert.deepEqual([unauthorized.status, unauthorized.code], [401, 'invalid_api_key']);
  const unknownModel = await failure(client().audio.transcriptions.create({ file: file(), model: 'whisper-1' }));
  assert.ok(unknownModel instanceof NotFoundError);
  assert.deepEqual([unknownModel.code, unknownModel.param], ['model_not_found', 'model']);
  const noAudio = await failure(
    client().audio.transcriptions.create({ file: await toFile(Buffer.from('<html>'), 'a.mp3'), model: MODEL }),
  );
  assert.ok(noAudio instanceof APIError);
  assert.deepEqual([noAudio.status, noAudio.code], [415, 'unsupported_audio_format']);
  const badLanguage = await failure(
    client().audio.transcriptions.create({ file: file(), model: MODEL, language: 'klingon' }),
  );
  assert.ok(badLanguage instanceof BadRequestError);
  assert.deepEqual([badLanguage.code, badLanguage.param], ['invalid_parameter', 'language']);
  assert.ok(typeof badLanguage.requestID === 'string' && badLanguage.requestID.startsWith('req_'));
  const streamed = await failure(
    client().audio.transcriptions.create({ file: file(), model: 'whisper-1', stream: true }),
  );
  assert.ok(streamed instanceof NotFoundError, 'what fails before the first words has its status');
  assert.deepEqual(await filesLeft(), []);
});

test('plain curl, with the file before or after the fields', async () => {
  for (const fields of [
    [`file=@${SPEECH}`, `model=${MODEL}`],
    [`model=${MODEL}`, `file=@${SPEECH};type=text/html;filename=notes.txt`],
  ]) {
    const { status, type, headers, body } = await curl(...fields);
    assert.deepEqual([status, type], [200, 'application/json'], body);
    assert.ok(wordErrorRate(SAID, (JSON.parse(body) as { text: string }).text) <= 0.1);
    for (const name of ['x-request-id', 'x-earshot-engine', 'x-ratelimit-limit-requests']) {
      assert.match(headers, new RegExp(`^${name}: `, 'im'));
    }
  }
});

test('what cannot be honoured and what nobody knows is named, in a header where the format has no place', async () => {
  const fields = [
    'temperature=0.4',
    'timestamp_granularities[]=word',
    'include[]=logprobs',
    'beam_size=5',
    'diarize=true',
  ];
  const asked = [`file=@${SPEECH}`, `model=${MODEL}`, ...fields];
  const json = await curl(...asked, 'response_format=verbose_json');
  const { warnings } = JSON.parse(json.body) as More;
  assert.deepEqual(
    warnings.filter(({ code }) => code.startsWith('parameter')).map(({ code, param }) => [code, param]),
    [
      ['parameter_not_supported', 'temperature'],
      ['parameter_not_supported', 'timestamp_granularities[]'],
      ['parameter_not_supported', 'include[]'],
      ['parameter_unknown', 'beam_size'],
      ['parameter_unknown', 'diarize'],
    ],
  );
  const text = await curl(...asked, 'response_format=text');
  assert.match(text.headers, /^x-earshot-warnings: parameter_not_supported, .*parameter_unknown, .*stand_in_engine/im);
});

test('a form that is broken, too large or not one is refused by name, costs nothing and leaves nothing', async () => {
  const before = await spent();
  const cases: readonly [fields: string[], status: number, code: string, param: string][] = [
    [[`model=${MODEL}`], 400, 'invalid_parameter', 'file'],
    [[`file=@${SPEECH}`], 400, 'invalid_parameter', 'model'],
    [[`file=@${SPEECH}`, `file=@${SPEECH}`, `model=${MODEL}`], 400, 'invalid_parameter', 'file'],
    [[`file=@${SPEECH}`, `picture=@${SPEECH}`, `model=${MODEL}`], 400, 'invalid_parameter', 'picture'],
    [[`file=@${SPEECH}`, `model=${MODEL}`, `model=${MODEL}`], 400, 'invalid_parameter', 'model'],
    [[`file=@${SPEECH}`, `model=${MODEL}`, 'response_format=pdf'], 400, 'invalid_parameter', 'response_format'],
    [[`file=@${SPEECH}`, `model=${MODEL}`, 'stream=true', 'response_format=srt'], 400, 'invalid_parameter', 'stream'],
    [[`file=@${SPEECH}`, `model=${MODEL}`, `prompt=${'x'.repeat(8_001)}`], 400, 'invalid_parameter', 'prompt'],
  ];
  for (const [fields, status, code, param] of cases) {
    const refusal = await curl(...fields);
    const { error } = JSON.parse(refusal.body) as { error: { code: string; param: string } };
    assert.deepEqual([refusal.status, error.code, error.param], [status, code, param], fields.join(' '));
  }
  const post = (type: string, body: string): Promise<Response> =>
    fetch(`${server.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      body,
    });
  assert.equal((await post('application/json', '{}')).status, 415);
  assert.equal((await post('multipart/form-data', 'x')).status, 400);
  const cut = `--b\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n${'x'.repeat(5_000)}`;
  const broken = await post('multipart/form-data; boundary=b', cut);
  assert.ok(broken.status === 422 || broken.status === 400);
  assert.equal(await spent(), before);
  assert.deepEqual(await filesLeft(), []);
});

test('a repeated call with its idempotency key gets the very bytes again, whatever the boundary', async () => {
  let idempotencyKey = `upload-${accountId}`;
  const ask = async (...more: [string, string][]) => {
    const form = new FormData();
    form.set('model', MODEL);
    for (const [name, value] of more) form.set(name, value);
    form.set('file', new Blob([readFileSync(SPEECH)]), 'a.mp3');
    const headers = { authorization: `Bearer ${key}`, 'idempotency-key': idempotencyKey };
    const response = await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form });
    const told = ['x-earshot-engine', 'x-earshot-warnings'].map((name) => response.headers.get(name));
    return { status: response.status, body: await response.text(), told };
  };
  const before = await spent();
  const first = await ask(['stream', 'true']);
  assert.deepEqual(first.told, ['embedded', null]);
  const charged = await spent();
  assert.ok(charged > before);
  assert.deepEqual(await ask(['stream', 'true']), first);
  assert.equal(await spent(), charged);
  assert.equal((await ask()).status, 422);
  idempotencyKey += '-text';
  const asText = await ask(['response_format', 'text']);
  assert.deepEqual(asText.told, ['embedded', 'stand_in_engine']);
  assert.deepEqual(await ask(['response_format', 'text']), asText);
});

test('a caller that leaves in the middle of its upload or of its stream is charged nothing', async () => {
  const before = await spent();
  const part = wavSamples('fabric');
  const samples = new Int16Array(30 * part.length);
  for (let start = 0; start < samples.length; start += part.length) samples.set(part, start);
  const file = await toFile(wavFile(samples), 'long.wav');
  const leaving = new AbortController();
  const upload = client().audio.transcriptions.create({ file, model: MODEL }, { signal: leaving.signal });
  setTimeout(() => leaving.abort(), 100);
  await assert.rejects(upload);
  for await (const _ of await client().audio.transcriptions.create({ file, model: MODEL, stream: true })) break;
  // The work has stopped once nothing is held.
  while (Number((await server.keyStatus(key)).held_usd) > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await spent(), before);
  assert.deepEqual(await filesLeft(), []);
});

test('the models are listed with what they cost the caller, and found by ids with a slash', async () => {
  const { data } = await client().models.list();
  assert.deepEqual(
    data.map(({ id, object }) => [id, object]),
    [
      [MODEL, 'model'],
      ['moonshine/tiny', 'model'],
    ],
  );
  const pricing = { list: { input_usd_per_1m: '0.03', output_usd_per_1m: '0.03' }, usd_per_minute_of_audio: '0.0024' };
  const one = (await client().models.retrieve(MODEL)) as unknown as Record<string, unknown>;
  assert.deepEqual(one['pricing'], { ...pricing, discount_bps: 0, yours: pricing.list });
  assert.deepEqual([one['type'], one['engines']], ['speech-to-text', ['embedded']]);
  for (const id of ['glm/glm-asr-2512', 'glm%2Fglm-asr-2512']) {
    const response = await fetch(`${server.url}/v1/models/${id}`, { headers: { 'x-api-key': key } });
    assert.deepEqual([response.status, (await bodyOf<{ id: string }>(response)).id], [200, MODEL]);
  }
  assert.equal((await fetch(`${server.url}/v1/models/none`, { headers: { 'x-api-key': key } })).status, 404);
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 401);
});

test('a discount shows in the price of the caller', async () => {
  const created = await server.earshot('account', 'create', '--name', 'big', '--discount-bps', '1250', '--json');
  const { account_id: big } = JSON.parse(created.stdout) as { account_id: string };
  const made = await server.earshot(
    'key',
    'create',
    '--account',
    big,
    '--models',
    'moonshine/tiny,glm/glm-asr-2512',
    '--json',
  );
  const { key: bigKey } = JSON.parse(made.stdout) as { key: string };
  const response = await fetch(`${server.url}/v1/models/${MODEL}`, { headers: { 'x-api-key': bigKey } });
  const { pricing } = await bodyOf<{ pricing: object }>(response);
  assert.deepEqual(pricing, {
    list: { input_usd_per_1m: '0.03', output_usd_per_1m: '0.03' },
    discount_bps: 1250,
    yours: { input_usd_per_1m: '0.02625', output_usd_per_1m: '0.02625' },
    usd_per_minute_of_audio: '0.0021',
  });
});
