/** Every refusal of the contract's table that this version can raise, through real HTTP. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';

let server: RunningServer;
let files: RecordingServer;
let key: string;

before(async () => {
  files = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  ({ key } = await server.createKey());
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

interface Refusal {
  status: number;
  headers: Headers;
  error: {
    message: string;
    type: string;
    code: string;
    param: string | null;
    request_id: string;
    [member: string]: string | null;
  };
}

async function refused(response: Response): Promise<Refusal> {
  const body = (await response.json()) as { error: Refusal['error'] };
  assert.deepEqual(Object.keys(body), ['error'], JSON.stringify(body));
  assert.deepEqual(Object.keys(body.error).slice(0, 5), ['message', 'type', 'code', 'param', 'request_id']);
  assert.equal(body.error.request_id, response.headers.get('x-request-id'));
  return { status: response.status, headers: response.headers, error: body.error };
}

async function post(body: string, headers: Record<string, string> = {}): Promise<Refusal> {
  return refused(
    await fetch(`${server.url}/v1/run`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body,
    }),
  );
}

const GOOD = (): string =>
  JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: files.url('go-forward.wav') } });

test('without a key: 401 missing_authorization, before the body is looked at', async () => {
  const { status, error, headers } = await refused(
    await fetch(`${server.url}/v1/run`, { method: 'POST', body: 'not json' }),
  );
  assert.deepEqual([status, error.code, error.type], [401, 'missing_authorization', 'authentication_error']);
  assert.equal(headers.get('www-authenticate'), 'Bearer');
});

test('an unknown, a malformed, a revoked and an expired key get one and the same answer', async () => {
  const unknown = await server.createKey();
  await server.earshot('key', 'revoke', unknown.key_id);
  const expired = await server.createKey();
  const database = new Database(join(server.dataDirectory, 'earshot.db'));
  database.prepare('update api_key set expires_at = 1 where key_id = ?').run(expired.key_id);
  database.close();
  const flipped = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
  for (const bad of ['nonsense', flipped, unknown.key, expired.key]) {
    const { status, error } = await post(GOOD(), { authorization: `Bearer ${bad}` });
    assert.deepEqual([status, error.code], [401, 'invalid_api_key'], bad);
  }
});

test('two different keys in the two headers are refused, the same one twice is taken', async () => {
  const { status, error } = await post('{}', { 'x-api-key': 'esw_other' });
  assert.deepEqual([status, error.code], [400, 'invalid_parameter']);
  const same = await post('{}', { 'x-api-key': key });
  assert.equal(same.error.param, 'model');
});

test('a console key may read its status but not transcribe', async () => {
  const { account_id } = await server.createKey();
  const created = JSON.parse(
    (await server.earshot('key', 'create', '--account', account_id, '--kind', 'console', '--json')).stdout,
  );
  assert.match(created.key, /^esc_/);
  const { status, error } = await post(GOOD(), { authorization: `Bearer ${created.key}` });
  assert.deepEqual([status, error.code], [401, 'wholesale_key_required']);
  const read = await fetch(`${server.url}/v1/key`, { headers: { 'x-api-key': created.key } });
  assert.equal(read.status, 200);
});

const BAD_REQUESTS: readonly [string, Record<string, unknown>, string, string | null][] = [
  ['an unknown member', { modell: 'x' }, 'unknown_parameter', 'modell'],
  ['an unknown input', { inputs: { audio: 'https://example.com/a', speed: 2 } }, 'unknown_parameter', 'inputs.speed'],
  ['no audio', { inputs: {} }, 'invalid_parameter', 'inputs.audio'],
  ['a model that is no text', { model: 5 }, 'invalid_parameter', 'model'],
  [
    'a language that is no code',
    { inputs: { audio: 'https://example.com/a', language: 'english' } },
    'invalid_parameter',
    'inputs.language',
  ],
  ['a request_id that is too short', { request_id: 'abc' }, 'invalid_parameter', 'request_id'],
  ['streaming', { stream: true }, 'streaming_not_supported', 'stream'],
  ['webhook_url without async', { webhook_url: 'https://example.com/' }, 'invalid_parameter', 'webhook_url'],
  [
    'timestamps of words, which there are none of',
    { inputs: { audio: 'https://example.com/a', timestamps: 'word' } },
    'invalid_parameter',
    'inputs.timestamps',
  ],
  ['a URL that is none', { inputs: { audio: 'not a url' } }, 'audio_url_invalid', 'inputs.audio'],
  ['a file URL', { inputs: { audio: 'file:///etc/passwd' } }, 'audio_url_not_allowed', 'inputs.audio'],
  ['a private address', { inputs: { audio: 'http://10.0.0.1/a.mp3' } }, 'audio_url_not_allowed', 'inputs.audio'],
  [
    'another port of an allowed host',
    { inputs: { audio: 'http://127.0.0.1:1/a.mp3' } },
    'audio_url_not_allowed',
    'inputs.audio',
  ],
];

for (const [what, change, code, param] of BAD_REQUESTS) {
  test(`${what}: 400 ${code}`, async () => {
    const { status, error } = await post(
      JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: 'https://example.com/a' }, ...change }),
    );
    assert.deepEqual([status, error.code, error.param, error.type], [400, code, param, 'invalid_request_error']);
  });
}

test('an Idempotency-Key that is empty or too long is refused rather than ignored', async () => {
  for (const idempotencyKey of ['', 'k'.repeat(256)]) {
    const { status, error } = await post(GOOD(), { 'idempotency-key': idempotencyKey });
    assert.deepEqual([status, error.code, error.param], [400, 'invalid_parameter', 'Idempotency-Key']);
  }
});

test('a key is held to its models and its addresses: 403', async () => {
  const { key: modest, key_id } = await server.createKey('--models', 'moonshine/tiny');
  const model = await refused(await server.run(modest, files.url('go-forward.wav')));
  assert.deepEqual([model.status, model.error.code, model.error.type], [403, 'model_not_allowed', 'permission_error']);
  assert.equal((await server.earshot('key', 'set', key_id, '--allow-ip', '203.0.113.0/24')).code, 0);
  const address = await refused(await server.run(modest, files.url('go-forward.wav'), { model: 'moonshine/tiny' }));
  assert.deepEqual([address.status, address.error.code, address.error.param], [403, 'ip_not_allowed', null]);
  const status = await refused(await fetch(`${server.url}/v1/key`, { headers: { 'x-api-key': modest } }));
  assert.equal(status.error.code, 'ip_not_allowed');
  assert.equal((await server.earshot('key', 'set', key_id, '--allow-ip', '127.0.0.0/8,::1')).code, 0);
  assert.equal((await server.run(modest, files.url('go-forward.wav'), { model: 'moonshine/tiny' })).status, 200);
});

test('a prepaid account without enough balance: 402 with the balance, and a credit helps at once', async () => {
  const made = JSON.parse(
    (await server.earshot('account', 'create', '--name', 'prepaid', '--balance-usd', '0.0001', '--json')).stdout,
  );
  const account: string = made.account_id;
  const { key: prepaid } = JSON.parse((await server.earshot('key', 'create', '--account', account, '--json')).stdout);
  const { status, error } = await refused(await server.run(prepaid, files.url('fabric.wav')));
  assert.deepEqual([status, error.code, error['balance_usd']], [402, 'insufficient_balance', '0.0001']);
  const credit = await server.earshot('account', 'credit', account, '--usd', '1', '--note', 'test', '--json');
  assert.equal(JSON.parse(credit.stdout).balance_usd, '1.0001');
  assert.equal((await server.run(prepaid, files.url('go-forward.wav'))).status, 200);
});

test('a body that is no JSON object, another type of body, and one that is too large are refused', async () => {
  for (const body of ['{', '[]', '"text"', 'null', '']) {
    const { status, error } = await post(body);
    assert.deepEqual([status, error.code], [400, 'invalid_json'], body);
  }
  const typed = await post('model=x', { 'content-type': 'application/x-www-form-urlencoded' });
  assert.deepEqual([typed.status, typed.error.code], [415, 'unsupported_media_type']);
  const large = await post(
    JSON.stringify({
      model: 'glm/glm-asr-2512',
      inputs: { audio: 'https://example.com/a' },
      user_id: 'u'.repeat(300_000),
    }),
  );
  assert.deepEqual([large.status, large.error.code], [413, 'body_too_large']);
  const huge = await post('x'.repeat(17 * 2 ** 20));
  assert.deepEqual([huge.status, huge.error.code], [413, 'body_too_large']);
});

test('an unknown model: 404 model_not_found', async () => {
  const { status, error } = await post(
    JSON.stringify({ model: 'glm/nothing', inputs: { audio: files.url('go-forward.wav') } }),
  );
  assert.deepEqual([status, error.code], [404, 'model_not_found']);
});

test('a path or a method that does not exist: 404, and 405 with the methods that do', async () => {
  const nowhere = await refused(await fetch(`${server.url}/v1/nothing`));
  assert.deepEqual([nowhere.status, nowhere.error.code], [404, 'not_found']);
  const wrong = await refused(await fetch(`${server.url}/v1/run`));
  assert.deepEqual([wrong.status, wrong.error.code, wrong.headers.get('allow')], [405, 'method_not_allowed', 'POST']);
});

const BAD_AUDIO: readonly [string, Buffer | string, number, string][] = [
  ['nothing at all', '', 422, 'audio_not_decodable'],
  ['a web page', '<!doctype html><html><body>Not found</body></html>', 415, 'unsupported_audio_format'],
  [
    'random bytes',
    Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919 + 13) % 251)),
    415,
    'unsupported_audio_format',
  ],
  ['a wav header alone', Buffer.from('RIFF\x24\0\0\0WAVEfmt ', 'latin1'), 422, 'audio_not_decodable'],
];

for (const [what, content, status, code] of BAD_AUDIO) {
  test(`${what} in place of audio: ${status} ${code}, not charged`, async () => {
    const url = files.serve(what, (_, response) => response.end(content));
    const answer = await refused(await server.run(key, url));
    assert.deepEqual([answer.status, answer.error.code, answer.error.param], [status, code, 'inputs.audio']);
  });
}

test('a source that answers 404 or ends too early: 422 audio_download_failed', async () => {
  const missing = await refused(await server.run(key, files.url('no-such-file.wav')));
  assert.deepEqual([missing.status, missing.error.code], [422, 'audio_download_failed']);
  const short = files.serve('short', (_, response) => {
    response.writeHead(200, { 'content-length': '100000' });
    response.write('RIFF');
    setImmediate(() => response.destroy());
  });
  const cut = await refused(await server.run(key, short));
  assert.deepEqual([cut.status, cut.error.code], [422, 'audio_download_failed']);
});

test('a call that could exceed the monthly cap: 402 with the cap, the spending and the reset', async () => {
  const { key: poor } = await server.createKey('--cap-usd', '0.0001');
  const { status, error } = await refused(await server.run(poor, files.url('fabric.wav')));
  assert.deepEqual([status, error.code, error.type], [402, 'monthly_cap_reached', 'insufficient_balance']);
  assert.deepEqual([error['cap_usd'], error['spent_usd']], ['0.0001', '0']);
  assert.match(error['resets_at'] ?? '', /^\d{4}-\d\d-01T00:00:00(\.000)?Z$/);
});

test('a key over its calls in flight or its requests a minute: 429 with Retry-After and the limits', async () => {
  const { key: narrow } = await server.createKey('--concurrency', '1');
  const release: (() => void)[] = [];
  const arrived = new Promise<void>((seen) => {
    files.serve('held', (_, response) => {
      release.push(() => response.end());
      seen();
    });
  });
  const held = server.run(narrow, files.url('held'));
  await arrived;
  const second = await refused(await server.run(narrow, files.url('go-forward.wav')));
  assert.deepEqual([second.status, second.error.code], [429, 'concurrency_limited']);
  assert.ok(Number(second.headers.get('retry-after')) >= 1);
  for (const end of release) end();
  await held;

  const { key: slow } = await server.createKey('--rpm', '2');
  const statuses: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) statuses.push((await server.run(slow, 'not a url')).status);
  assert.deepEqual(statuses, [400, 400, 429]);
});

test('after all these refusals nothing is charged and nothing is held', async () => {
  const status = await server.keyStatus(key);
  assert.deepEqual([status.spent_usd, status.held_usd], ['0', '0']);
  const verified = await server.verify();
  assert.deepEqual([verified.balanced, verified.open_holds], [true, 0]);
});
