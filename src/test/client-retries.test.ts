/** When the client tries again, and when not: against a server that misbehaves as it is told. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Earshot, type EarshotError } from '../client/client.ts';
import { startFakeVendor, type Answer, type FakeVendor, type Misbehaviour } from './fake-vendor.ts';

const REPLY = { text: 'Hello.', id: 'req_1', warnings: [] };
const REQUEST = { model: 'glm/glm-asr-2512', inputs: { audio: 'https://example.com/talk.mp3' } };

let opened: FakeVendor | null = null;
afterEach(() => opened?.[Symbol.asyncDispose]());

function refusal(status: number, code: string, retryAfter?: string): Misbehaviour {
  const body = { error: { message: 'No.', type: 'some_error', code, param: null, request_id: 'req_2' } };
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  return { kind: 'answer', answer: { status, headers, body } satisfies Answer };
}

/** A client of a server that does these things first. Waits are noted and take no time. */
async function clientOf(misbehaviours: readonly Misbehaviour[], options: { retries?: number; random?: number } = {}) {
  const server = await startFakeVendor(async () => ({ status: 200, body: REPLY }));
  opened = server;
  server.next(...misbehaviours);
  const waits: number[] = [];
  const earshot = new Earshot({
    baseUrl: server.origin,
    key: 'esw_test',
    retries: options.retries ?? 2,
    random: () => options.random ?? 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waits.push(ms);
    },
  });
  const keys = (): (string | string[] | undefined)[] =>
    server.requests.map(({ headers }) => headers['idempotency-key']);
  return { earshot, server, waits, keys };
}

test('a server that is busy is asked again when it said, with the same key', async () => {
  const { earshot, waits, keys } = await clientOf([refusal(429, 'rate_limited', '3'), refusal(503, 'overloaded')]);
  assert.deepEqual(await earshot.run(REQUEST), REPLY);
  assert.deepEqual(waits, [3_000, 1_000]);
  assert.equal(new Set(keys()).size, 1);
  assert.match(String(keys()[0]), /^[0-9a-f]{32}$/);
});

test('the jitter only adds, at most a quarter', async () => {
  const { earshot, waits } = await clientOf([refusal(429, 'rate_limited', '4')], { random: 1 });
  await earshot.run(REQUEST);
  assert.deepEqual(waits, [5_000]);
});

test('second tries are bounded, and the last refusal is thrown', async () => {
  const { earshot, server } = await clientOf(Array.from({ length: 9 }, () => refusal(503, 'overloaded', '1')));
  await assert.rejects(earshot.run(REQUEST), { code: 'overloaded', status: 503, retryAfterSeconds: 1 });
  assert.equal(server.requests.length, 3);
});

test('a server that asks for more than a minute is left to the caller', async () => {
  const { earshot, waits } = await clientOf([refusal(429, 'rate_limited', '61')]);
  await assert.rejects(earshot.run(REQUEST), { code: 'rate_limited', retryAfterSeconds: 61 });
  assert.deepEqual(waits, []);
});

test('what another try would not mend is not tried again', async () => {
  for (const [status, code] of [
    [400, 'invalid_parameter'],
    [402, 'monthly_cap_reached'],
    [409, 'conflict'],
    [500, 'internal_error'],
    [502, 'engine_failed'],
  ] as const) {
    const { earshot, server } = await clientOf([refusal(status, code)]);
    await assert.rejects(earshot.run(REQUEST), { status, code });
    assert.equal(server.requests.length, 1);
    await server[Symbol.asyncDispose]();
  }
});

test('a call that still runs is asked for more often than others are', async () => {
  const running = Array.from({ length: 20 }, () => refusal(409, 'idempotency_in_progress', '1'));
  const { earshot, waits } = await clientOf(running);
  assert.deepEqual(await earshot.run(REQUEST), REPLY);
  assert.equal(waits.length, 20);
  assert.equal(Math.max(...waits), 8_000);
});

test('and given up after ten minutes', async () => {
  const running = Array.from({ length: 200 }, () => refusal(409, 'idempotency_in_progress', '1'));
  const { earshot, waits } = await clientOf(running);
  await assert.rejects(earshot.run(REQUEST), { code: 'idempotency_in_progress' });
  const waitedMs = waits.reduce((sum, ms) => sum + ms, 0);
  assert.ok(waitedMs > 580_000 && waitedMs <= 600_000, String(waitedMs));
});

test('a connection that breaks is tried again, also in the middle of the reply', async () => {
  const { earshot, keys } = await clientOf([{ kind: 'drop' }, { kind: 'drop-half-way' }]);
  assert.deepEqual(await earshot.run(REQUEST), REPLY);
  assert.deepEqual([keys().length, new Set(keys()).size], [3, 1]);
});

test('but not where nothing makes a repetition harmless', async () => {
  const { earshot, server } = await clientOf([{ kind: 'drop' }, { kind: 'drop' }]);
  await assert.rejects(earshot.jobs.cancel('job_1'), { code: 'network_error', status: null });
  assert.equal(server.requests.length, 1);
  assert.deepEqual(await earshot.jobs.get('job_1'), REPLY, 'looking is harmless');
});

test('a body that was a stream is sent once', async () => {
  const { earshot, server } = await clientOf([refusal(503, 'overloaded', '1')]);
  const file = new Blob(['RIFF']).stream();
  await assert.rejects(earshot.upload({ model: 'm', file }), { code: 'overloaded' });
  assert.equal(server.requests.length, 1);
});

test('a blob is sent again, the same', async () => {
  const { earshot, server } = await clientOf([refusal(503, 'overloaded', '1')]);
  assert.deepEqual(await earshot.upload({ model: 'm', file: new Blob(['RIFF']) }), REPLY);
  assert.deepEqual(
    server.requests.map(({ body }) => body.includes('RIFF')),
    [true, true],
  );
});

test('an abort ends a wait between two tries with its reason', async () => {
  const server = await startFakeVendor(async () => ({ status: 200, body: REPLY }));
  opened = server;
  server.next(refusal(429, 'rate_limited', '50'));
  const abort = new AbortController();
  const reason = new Error('Enough.');
  const call = new Earshot({ baseUrl: server.origin, key: 'k' }).run(REQUEST, { signal: abort.signal });
  await server.received(1);
  await server.idle();
  setImmediate(() => abort.abort(reason));
  await assert.rejects(call, reason);
  assert.equal(server.requests.length, 1);
});

test('what is not from earshot is said to be that', async () => {
  const page: Misbehaviour = { kind: 'answer', answer: { status: 200, body: '<html>Hello</html>' } };
  const { earshot } = await clientOf([page, { kind: 'answer', answer: { status: 404, body: '<html>' } }]);
  const isUnexpected = ({ code }: EarshotError): boolean => code === 'unexpected_reply';
  await assert.rejects(earshot.models.list(), isUnexpected);
  await assert.rejects(earshot.models.list(), isUnexpected);
});

test('a stream that breaks off or fails in the middle is an error, and not tried again', async () => {
  const delta = 'data: {"type":"transcript.text.delta","delta":"Hel"}\n\n';
  const error = { message: 'No.', type: 'engine_error', code: 'engine_failed', param: null, request_id: 'req_3' };
  const { earshot, server } = await clientOf([
    { kind: 'answer', answer: { status: 200, body: delta } },
    { kind: 'answer', answer: { status: 200, body: `${delta}data: ${JSON.stringify({ error })}\n\n` } },
  ]);
  const read = async (): Promise<string> => {
    let text = '';
    const stream = await earshot.stream({ model: 'm', file: new Blob(['RIFF']) });
    await assert.rejects(
      async () => {
        for await (const piece of stream) text += piece;
      },
      { name: 'EarshotError' },
    );
    await assert.rejects(stream.result(), { name: 'EarshotError' });
    return text;
  };
  assert.deepEqual([await read(), await read()], ['Hel', 'Hel']);
  assert.equal(server.requests.length, 2);
});
