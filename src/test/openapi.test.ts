/** The OpenAPI document: linted by another's linter, and checked against what a real server answers. */
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ERRORS } from '../core/errors.ts';
import { FIXTURES, serveRecordings, startServer } from './running-server.ts';

const files = await serveRecordings();
const server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});
const { key, account_id: accountId } = await server.createKey();

interface Described {
  readonly paths: Record<string, Record<string, { responses: Record<string, DescribedResponse>; requestBody?: Body }>>;
}
interface DescribedResponse {
  readonly headers: Record<string, unknown>;
  readonly content: Record<string, unknown>;
}
interface Body {
  readonly content: Record<string, { example: Record<string, unknown> }>;
}

const source = await (await fetch(`${server.url}/openapi.json`)).text();
const described = JSON.parse(source) as Described;

/** The document leaves room for members to come; here, each that is not described is a mistake. */
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ ...(closed(described) as object), $id: 'openapi' });

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]));
  return 'properties' in value && 'type' in value ? { ...members, additionalProperties: false } : members;
}

function mistakesOf(value: unknown, ...pointer: string[]): unknown[] {
  const path = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.compile({ $ref: `openapi#/${path}` });
  return validate(value) ? [] : (validate.errors ?? []);
}

/** Headers of HTTP itself, which say nothing about the API. */
const PLAIN_HEADERS = new Set([
  'content-type',
  'content-length',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'cache-control',
  'x-accel-buffering',
]);

/** Makes a call, and holds its status, headers and body against the document. */
async function ask(
  path: string,
  options: { as?: string; status: number; code?: string } & RequestInit,
): Promise<string> {
  const { as = path, status, code, ...init } = options;
  const method = (init.method ?? 'GET').toLowerCase();
  const headers = new Headers(init.headers);
  if (!headers.has('x-api-key')) headers.set('x-api-key', key);
  const response = await fetch(`${server.url}${path}`, { ...init, headers });
  const text = await response.text();
  assert.equal(response.status, status, text);
  const reply = described.paths[as]?.[method]?.responses[String(status)];
  assert.ok(reply !== undefined, `${method} ${as} has no ${status}`);
  const undescribed = [...response.headers.keys()].filter(
    (name) => !PLAIN_HEADERS.has(name) && !(name in reply.headers),
  );
  assert.deepEqual(undescribed, [], `headers of ${method} ${as} ${status}`);
  const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
  assert.ok(type in reply.content, `${method} ${as} ${status} has no ${type}`);
  const pointer = ['paths', as, method, 'responses', String(status), 'content', type, 'schema'];
  if (type === 'application/json') {
    assert.deepEqual(mistakesOf(JSON.parse(text), ...pointer), [], `${method} ${as} ${status}: ${text}`);
    if (code !== undefined) assert.equal((JSON.parse(text) as { error: { code: string } }).error.code, code);
  } else if (type === 'text/event-stream') {
    for (const line of text.split('\n\n').filter((event) => event !== '')) {
      const event: unknown = JSON.parse(line.slice('data: '.length));
      assert.deepEqual(mistakesOf(event, ...pointer, 'contentSchema'), [], line);
    }
  } else assert.deepEqual(mistakesOf(text, ...pointer), []);
  return text;
}

function run(body: unknown, status: number, more: { code?: string; headers?: Record<string, string> } = {}) {
  const headers = { 'content-type': 'application/json', ...more.headers };
  return ask('/v1/run', { ...more, method: 'POST', status, headers, body: JSON.stringify(body) });
}

async function upload(fields: Record<string, string>, status: number, name = 'go-forward.wav', code?: string) {
  const body = new FormData();
  for (const [field, value] of Object.entries(fields)) body.append(field, value);
  body.append('file', await openAsBlob(join(FIXTURES, name)), name);
  return ask('/v1/audio/transcriptions', { method: 'POST', status, body, ...(code === undefined ? {} : { code }) });
}

const MODEL = 'glm/glm-asr-2512';
const speech = { audio: files.url('go-forward.wav') };

test("another's linter has nothing to say", async () => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    // Health needs no key and takes no parameters: there is nothing that it could refuse.
    rules: { 'operation-4xx-response': 'off' },
  });
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  assert.deepEqual(
    problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]),
    [],
  );
});

test('it needs no key, and every code of the table that a caller of the API can meet is in it', () => {
  const elsewhere = ['session_required', 'login_failed', 'role_not_allowed', 'cross_site_request', 'conflict'];
  const inText = ['method_not_allowed'];
  const met = codesOf();
  const missing = Object.keys(ERRORS).filter((code) => !met.has(code));
  assert.deepEqual(missing.toSorted(), [...elsewhere, ...inText].toSorted());
});

function codesOf(): Set<string> {
  const responses = Object.values(described.paths).flatMap((methods) =>
    Object.values(methods).flatMap((operation) => Object.values(operation.responses)),
  );
  return new Set(
    responses.flatMap(
      (response) => /"code":\{"enum":\[([^\]]*)\]/.exec(JSON.stringify(response))?.[1]?.match(/\w+/g) ?? [],
    ),
  );
}

test('its examples of bodies are right, and what the server refuses is wrong by it too', async () => {
  const pointer = ['paths', '/v1/run', 'post', 'requestBody', 'content', 'application/json', 'schema'];
  const example = described.paths['/v1/run']?.['post']?.requestBody?.content['application/json']?.example;
  assert.deepEqual(mistakesOf(example, ...pointer), []);
  const wrong = [
    { ...example, modell: 'x' },
    { inputs: speech },
    { model: MODEL, inputs: { ...speech, language: 'english' } },
    { model: MODEL, inputs: { ...speech, timestamps: 'word' } },
    { model: MODEL, inputs: speech, request_id: 'abc' },
  ];
  for (const body of wrong) {
    assert.notDeepEqual(mistakesOf(body, ...pointer), [], JSON.stringify(body));
    await run(body, 400);
  }
});

test('POST /v1/run answers as described, with segments, labels and warnings', async () => {
  const body = { model: MODEL, inputs: { ...speech, timestamps: 'segment', prompt: 'go' }, request_id: 'label-1' };
  const reply = JSON.parse(await run(body, 200)) as { segments: unknown[]; warnings: unknown[] };
  assert.ok(reply.segments.length > 0 && reply.warnings.length > 0);
});

test('refusals of POST /v1/run are as described', async () => {
  const good = { model: MODEL, inputs: speech };
  const tight = JSON.parse(
    (await server.earshot('key', 'create', '--account', accountId, '--cap-usd', '0.000001', '--json')).stdout,
  ) as { key: string };
  await run(good, 401, { code: 'invalid_api_key', headers: { 'x-api-key': 'nonsense' } });
  await run(good, 402, { code: 'monthly_cap_reached', headers: { 'x-api-key': tight.key } });
  await run({ ...good, stream: true }, 400, { code: 'streaming_not_supported' });
  await run({ ...good, model: 'whisper-1' }, 404, { code: 'model_not_found' });
  await run({ ...good, request_id: 'x'.repeat(300_000) }, 413, { code: 'body_too_large' });
  await run(good, 415, { code: 'unsupported_media_type', headers: { 'content-type': 'text/plain' } });
  await run({ ...good, inputs: { audio: files.url('recordings.tsv') } }, 415, { code: 'unsupported_audio_format' });
  await run({ ...good, inputs: { audio: files.url('no-such-file') } }, 422, { code: 'audio_download_failed' });
  const { key: slow } = await server.createKey('--rpm', '1');
  await run({}, 400, { headers: { 'x-api-key': slow } });
  await run(good, 429, { code: 'rate_limited', headers: { 'x-api-key': slow } });
});

test('POST /v1/audio/transcriptions answers as described in every format, and as a stream', async () => {
  for (const format of ['json', 'verbose_json', 'text', 'srt', 'vtt']) {
    await upload({ model: MODEL, response_format: format, temperature: '0.5' }, 200);
  }
  assert.match(await upload({ model: MODEL, stream: 'true' }, 200), /transcript\.text\.done/);
  await upload({ model: 'whisper-1' }, 404, 'go-forward.wav', 'model_not_found');
  await upload({ model: MODEL, temperature: 'hot' }, 400, 'go-forward.wav', 'invalid_parameter');
  await upload({ model: MODEL }, 415, 'recordings.tsv', 'unsupported_audio_format');
});

test('jobs answer as described, by both of their names', async () => {
  const { job_id: id } = JSON.parse(await run({ model: MODEL, inputs: speech, async: true }, 202)) as {
    job_id: string;
  };
  const failing = { model: MODEL, inputs: { audio: files.url('no-such-file') }, async: true };
  const { job_id: failed } = JSON.parse(await run(failing, 202)) as { job_id: string };
  const one = { as: '/v1/jobs/{id}', status: 200 };
  for (const [job, end] of [
    [id, 'completed'],
    [failed, 'failed'],
  ] as const) {
    const deadline = Date.now() + 60_000;
    let status = '';
    while (status !== end && Date.now() < deadline) {
      ({ status } = JSON.parse(await ask(`/v1/jobs/${job}`, one)) as { status: string });
    }
    assert.equal(status, end);
  }
  await ask(`/v1/job/${id}`, { as: '/v1/job/{id}', status: 200 });
  await ask(`/v1/jobs/${id}`, { ...one, method: 'DELETE', status: 409, code: 'job_not_cancelable' });
  await ask('/v1/jobs/job_nobody', { ...one, status: 404, code: 'not_found' });
  await ask('/v1/jobs?limit=1', { as: '/v1/jobs', status: 200 });
  await ask('/v1/jobs?limit=0', { as: '/v1/jobs', status: 400, code: 'invalid_parameter' });
});

test('models, key, usage, health and metrics answer as described', async () => {
  await ask('/v1/models', { status: 200 });
  await ask('/v1/models/glm%2Fglm-asr-2512', { as: '/v1/models/{id}', status: 200 });
  await ask('/v1/models/whisper-1', { as: '/v1/models/{id}', status: 404, code: 'model_not_found' });
  await ask('/v1/key', { status: 200 });
  await ask('/v1/key', { status: 401, code: 'invalid_api_key', headers: { 'x-api-key': 'nonsense' } });
  await ask('/v1/usage?group_by=model', { as: '/v1/usage', status: 200 });
  await ask('/v1/usage?from=never', { as: '/v1/usage', status: 400, code: 'invalid_parameter' });
  await ask('/health/live', { status: 200 });
  await ask('/health/ready', { status: 200 });
  await ask('/metrics', { status: 200 });
});
