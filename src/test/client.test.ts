/** The package's client against a real server: every method, and what is thrown. */
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Earshot, EarshotError, type Job } from '../client/client.ts';
import { eventually } from './job-calls.ts';
import { recordings, wavFile, wavSamples } from './recordings.ts';
import { FIXTURES, serveRecordings, startServer } from './running-server.ts';
import { wordErrorRate } from './word-error-rate.ts';

const MODEL = 'glm/glm-asr-2512';
const files = await serveRecordings();
const server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});
const { key, key_id: keyId } = await server.createKey('--cap-usd', '10');
const earshot = new Earshot({ baseUrl: server.url, key });
const SPEECH = join(FIXTURES, 'sense-leisure.mp3');

function assertSaid(name: string, text: string): void {
  const said = recordings().find((recording) => recording.name === name)?.text ?? '';
  assert.ok(wordErrorRate(said, text) <= 0.2, text);
}

test('run gives the text with what it cost, and the same idempotency key the same reply', async () => {
  const request = { model: MODEL, inputs: { audio: files.url('fabric.mp3'), timestamps: 'segment' } } as const;
  const first = await earshot.run(request, { idempotencyKey: 'client-test-1' });
  assertSaid('fabric', first.text);
  assert.equal(first.segments?.map(({ text }) => text).join(' '), first.text);
  assert.ok(Number(first.cost_usd) > 0 && first.usage.total_tokens > 0);
  assert.deepEqual(await earshot.run(request, { idempotencyKey: 'client-test-1' }), first);
  assert.notEqual((await earshot.run(request)).id, first.id, 'each call has a key of its own');
});

test('upload takes a blob or a stream, in every format', async () => {
  const file = await openAsBlob(SPEECH);
  const { text, warnings } = await earshot.upload({ model: MODEL, file });
  assertSaid('sense-leisure', text);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['stand_in_engine'],
  );
  const stream = new Blob([await readFile(SPEECH)]).stream();
  assert.equal((await earshot.upload({ model: MODEL, file: stream, language: 'en' })).text, text);
  const verbose = await earshot.upload({ model: MODEL, file, response_format: 'verbose_json' });
  assert.equal(verbose.segments.map((segment) => segment.text).join(' '), text);
  assert.equal(await earshot.upload({ model: MODEL, file, response_format: 'text' }), `${text}\n`);
  const vtt: string = await earshot.upload({ model: MODEL, file, response_format: 'vtt' });
  assert.match(vtt, /^WEBVTT\n\n00:00:0\d/);
});

test('stream gives the text in pieces that make up the whole', async () => {
  const samples = ['sense-leisure', 'sense-selfish', 'sense-married', 'sense-amiable'].map(wavSamples);
  const recording = wavFile(Int16Array.from(samples.flatMap((part) => [...part, ...new Int16Array(16_000)])));
  const stream = await earshot.stream({ model: MODEL, file: new Blob([recording]) });
  const deltas: string[] = [];
  for await (const delta of stream) deltas.push(delta);
  const whole = await stream.result();
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(''), whole.text);
  assert.ok(Number(whole.cost_usd) > 0);
  const unread = await earshot.stream({ model: MODEL, file: new Blob([recording]) });
  assert.equal((await unread.result()).text, whole.text);
});

test('a stream that is left early costs nothing', async () => {
  const { spent_usd: before } = await earshot.key();
  const samples = ['sense-leisure', 'sense-selfish', 'sense-married', 'sense-amiable'].map(wavSamples);
  const long = Int16Array.from([...samples, ...samples, ...samples].flatMap((part) => [...part]));
  for await (const delta of await earshot.stream({ model: MODEL, file: new Blob([wavFile(long)]) })) {
    assert.ok(delta.length > 0);
    break;
  }
  await eventually(async () => (await earshot.key()).held_usd === '0', 'the hold was never released');
  assert.equal((await earshot.key()).spent_usd, before);
});

test('a job is made, looked at until it ends, and listed', async () => {
  const { job_id: id, status } = await earshot.jobs.create({
    model: MODEL,
    inputs: { audio: files.url('fabric.mp3') },
  });
  assert.equal(status, 'accepted');
  const looks: Job['status'][] = [];
  const job = await earshot.jobs.wait(id, { onLook: (seen) => looks.push(seen.status) });
  assert.equal(looks.at(-1), 'completed');
  assertSaid('fabric', job.result?.text ?? '');
  assert.deepEqual(await earshot.jobs.get(id), job);
  const { data, has_more: hasMore } = await earshot.jobs.list({ limit: 1, status: 'completed' });
  assert.deepEqual([data[0]?.job_id, hasMore], [id, false]);
  await assert.rejects(earshot.jobs.cancel(id), { name: 'EarshotError', status: 409, code: 'job_not_cancelable' });
});

test('a job that hangs at its audio is canceled, and its failure is no exception', async () => {
  const audio = files.serve('never.mp3', () => {});
  const { job_id: id } = await earshot.jobs.create({ model: MODEL, inputs: { audio } });
  const waiting = earshot.jobs.wait(id);
  assert.equal((await earshot.jobs.cancel(id)).status, 'canceled');
  assert.equal((await waiting).status, 'canceled');
  const missing = await earshot.jobs.create({ model: MODEL, inputs: { audio: files.url('missing.mp3') } });
  const failed = await earshot.jobs.wait(missing.job_id);
  assert.deepEqual([failed.status, failed.error?.code], ['failed', 'audio_download_failed']);
});

test('models, key and usage', async () => {
  const { data } = await earshot.models.list();
  assert.deepEqual(
    data.map(({ id }) => id),
    [MODEL, 'moonshine/tiny'],
  );
  assert.deepEqual(await earshot.models.get(MODEL), data[0]);
  const status = await earshot.key();
  assert.deepEqual([status.key_id, status.cap_usd, status.kind], [keyId, '10', 'wholesale']);
  const usage = await earshot.usage({ group_by: 'model', from: '2020-01-01' });
  assert.equal(usage.data[0]?.group, MODEL);
  assert.equal(usage.total.cost_usd, status.spent_usd);
});

test('a refusal is thrown with its status, code, parameter and request', async () => {
  const refused = await earshot.run({ model: 'none', inputs: { audio: files.url('fabric.mp3') } }).then(
    () => assert.fail('it was not refused'),
    (error: unknown) => error,
  );
  assert.ok(refused instanceof EarshotError);
  const { status, code, param, type, retryAfterSeconds } = refused;
  assert.deepEqual(
    { status, code, param, type, retryAfterSeconds },
    { status: 404, code: 'model_not_found', param: 'model', type: 'invalid_request_error', retryAfterSeconds: null },
  );
  assert.match(refused.requestId ?? '', /^req_/);
  assert.match(refused.message, /no such model/);
  const stranger = new Earshot({ baseUrl: `${server.url}/v1/`, key: 'esw_none' });
  await assert.rejects(stranger.key(), { status: 401, code: 'invalid_api_key' });
});

test('an abort in the middle ends the call with its reason, and nothing is charged', async () => {
  const { spent_usd: before } = await earshot.key();
  const abort = new AbortController();
  const reason = new Error('Enough.');
  const audio = files.serve('slow.mp3', () => abort.abort(reason));
  await assert.rejects(earshot.run({ model: MODEL, inputs: { audio } }, { signal: abort.signal }), reason);
  await assert.rejects(earshot.models.list({ signal: abort.signal }), reason);
  const { spent_usd: spent, held_usd: held } = await earshot.key();
  assert.deepEqual([spent, held], [before, '0']);
});
