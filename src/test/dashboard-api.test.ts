/** The dashboard's API through the real server: who gets in, what each role may do, and what stays of it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  createAccountRequest,
  type AccountRow,
  type EnginesReply,
  type IssuedKey,
  type IssuedWebhookSecret,
  type KeyRow,
  type ModelsReply,
  type Overview,
  type Page,
  type PlaygroundReply,
  type RequestDetail,
  type RequestRow,
  type RotatedKey,
  type StatementReply,
  type UsageReply,
} from '../http/api/contract.ts';
import { assertRefused, listenAs, openDashboard, send, type Dashboard, type Person } from './dashboard-session.ts';
import { bodyOf, FIXTURES, serveRecordings, type RecordingServer, type RunningServer } from './running-server.ts';

const MODEL = 'glm/glm-asr-2512';

let files: RecordingServer;
let dashboard: Dashboard;
let server: RunningServer;
let operator: Person;
let ours: string;
let owner: Person & { email: string };
let viewer: Person & { email: string };
let audit: Dashboard['audit'];
let theirs: string;

before(async () => {
  files = await serveRecordings();
  dashboard = await openDashboard({ EARSHOT_FETCH_ALLOW: files.hostAndPort });
  ({ server, operator, ours, theirs, owner, viewer, audit } = dashboard);
});

after(async () => {
  await dashboard[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

async function createKey(person: Person, more: Record<string, unknown> = {}): Promise<IssuedKey> {
  const made = await person.post<IssuedKey>('/api/keys', { name: 'test', kind: 'wholesale', ...more });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  return made.body;
}

test('an operator sees every account, an owner and a viewer their own', async () => {
  const our = await createKey(owner, { name: 'ours' });
  const their = await createKey(operator, { name: 'theirs', account_id: theirs });
  const ids = async (person: Person, query = '') =>
    (await person.get<Page<KeyRow>>(`/api/keys?limit=200${query}`)).body.data.map((row) => row.key_id);
  assert.ok((await ids(operator)).includes(our.row.key_id));
  assert.ok((await ids(operator)).includes(their.row.key_id));
  assert.deepEqual(await ids(operator, `&account=${theirs}`), [their.row.key_id]);
  for (const person of [owner, viewer]) {
    assert.ok((await ids(person)).includes(our.row.key_id));
    for (const query of ['', `&account=${theirs}`]) assert.ok(!(await ids(person, query)).includes(their.row.key_id));
    assertRefused(await person.get(`/api/keys/${their.row.key_id}`), 404, 'not_found');
    assert.equal((await person.get(`/api/statements?account=${theirs}`)).status, 200);
    const statement = await person.get<StatementReply>(`/api/statements?account=${theirs}`);
    assert.equal(statement.body.account.account_id, ours);
  }
  const id = their.row.key_id;
  assertRefused(await owner.post(`/api/keys/${id}`, { name: 'taken' }), 404, 'not_found');
  assertRefused(await owner.post(`/api/keys/${id}/rotate`, { grace_seconds: 0 }), 404, 'not_found');
  assertRefused(await owner.post(`/api/keys/${id}/revoke`), 404, 'not_found');
  const made = await owner.post<IssuedKey>('/api/keys', { name: 'mine', kind: 'wholesale', account_id: theirs });
  assert.equal(made.body.row.account.account_id, ours, 'the account of an owner is their own, whatever they name');
});

test('a viewer changes nothing, and an owner nothing of the operator’s', async () => {
  const key = await createKey(owner);
  const id = key.row.key_id;
  const changes: readonly (readonly [path: string, body: unknown])[] = [
    ['/api/keys', { name: 'x', kind: 'wholesale' }],
    [`/api/keys/${id}`, { cap_usd: '1' }],
    [`/api/keys/${id}/rotate`, { grace_seconds: 0 }],
    [`/api/keys/${id}/revoke`, {}],
    ['/api/webhook-secret', {}],
    ['/api/deliveries/dlv_1/replay', {}],
    ['/api/playground', { key_id: id, model: MODEL, audio_url: 'https://example.com/a.wav' }],
  ];
  for (const [path, body] of changes) assertRefused(await viewer.post(path, body), 403, 'role_not_allowed');
  const operators: readonly (readonly [path: string, body: unknown])[] = [
    ['/api/accounts', { name: 'x' }],
    ['/api/users', { email: 'x@example.com', role: 'operator' }],
    ['/api/users/usr_1/link', {}],
    ['/api/users/usr_1/remove', {}],
    ['/api/prices', { model: MODEL, price: { usd_per_second: '0' } }],
    ['/api/prices/preview', { model: MODEL, price: { usd_per_second: '0' } }],
    ['/api/contracts', { account_id: ours, discount_bps: 10_000, tiers: '' }],
    ['/api/credits', { account_id: ours, kind: 'credit', usd: '1', note: 'x' }],
  ];
  for (const person of [owner, viewer]) {
    for (const [path, body] of operators) assertRefused(await person.post(path, body), 403, 'role_not_allowed');
    for (const path of ['accounts', 'users', 'engines', 'audit'])
      assertRefused(await person.get(`/api/${path}`), 403, 'role_not_allowed');
  }
  assertRefused(await owner.post(`/api/keys/${id}`, { tiers: '0:10000' }), 403, 'role_not_allowed');
  assertRefused(
    await owner.post('/api/keys', { name: 'x', kind: 'wholesale', tiers: '1:5000' }),
    403,
    'role_not_allowed',
  );
});

test('a key is made, used, changed, rotated and revoked, seen at once by all, and each change is in the log', async () => {
  const { key, row } = await createKey(owner, { name: 'a life', cap_usd: '1', requests_per_minute: 100 });
  assert.match(key, /^esw_/);
  assert.equal(row.state, 'live');
  assert.equal(row.last_four, key.slice(-4));
  const call = await server.run(key, files.url('go-forward.wav'));
  const { id, cost_usd: cost } = await bodyOf<{ id: string; cost_usd: string }>(call);
  const used = (await owner.get<KeyRow>(`/api/keys/${row.key_id}`)).body;
  assert.equal(used.spent_usd, cost);
  assert.ok(used.last_used_at !== null);
  const detail = (await viewer.get<RequestDetail>(`/api/requests/${id}`)).body;
  assert.equal(detail.content, null, 'neither URL nor transcript is kept unless that is turned on');
  assert.equal(detail.cost_usd, cost);
  assert.equal(detail.charge?.charged_usd, cost);
  assert.equal(detail.charge?.matches, true);
  assert.equal(detail.key.key_id, row.key_id);
  assert.ok((detail.timeline.engine ?? -1) >= 0);
  assert.doesNotMatch(JSON.stringify(detail), /go forward|127\.0\.0\.1/i, 'neither the text nor the URL is kept');

  const edited = await owner.post<KeyRow>(`/api/keys/${row.key_id}`, { cap_usd: '2.5', allowed_models: [MODEL] });
  assert.equal(edited.body.cap_usd, '2.5');
  assert.deepEqual(edited.body.allowed_models, [MODEL]);
  assert.equal(edited.body.requests_per_minute, 100, 'what is not named stays');
  const bad = await owner.post(`/api/keys/${row.key_id}`, { allowed_addresses: ['no address'] });
  assertRefused(bad, 400, 'invalid_parameter');

  const rotated = (await owner.post<RotatedKey>(`/api/keys/${row.key_id}/rotate`, { grace_seconds: 3600 })).body;
  assert.equal(rotated.old_key_id, row.key_id);
  assert.equal(rotated.row.spent_usd, cost, 'the cap is shared');
  assert.equal((await owner.get<KeyRow>(`/api/keys/${row.key_id}`)).body.state, 'retiring');
  assert.equal((await server.run(key, files.url('go-forward.wav'))).status, 200, 'the grace time');

  const revoked = await owner.post<KeyRow>(`/api/keys/${rotated.row.key_id}/revoke`);
  assert.equal(revoked.body.state, 'revoked');
  assert.equal((await server.run(rotated.key, files.url('go-forward.wav'))).status, 401);
  assert.equal((await viewer.get<KeyRow>(`/api/keys/${rotated.row.key_id}`)).body.state, 'revoked');

  for (const action of ['key.create', 'key.edit', 'key.rotate', 'key.revoke']) {
    const [entry] = await audit(action);
    assert.equal(entry?.user?.email, owner.email, action);
    assert.equal(entry?.account?.account_id, ours);
    assert.ok([row.key_id, rotated.row.key_id].includes(entry?.target ?? ''), action);
  }
  assert.equal((await audit('key.edit'))[0]?.detail['cap_usd'], '2.5');
  assert.doesNotMatch(JSON.stringify((await operator.get('/api/audit?limit=200')).body), new RegExp(key.slice(-38)));
});

test('a page that is open hears of calls, of keys, and of what commands change', { timeout: 60_000 }, async () => {
  const { key, row } = await createKey(owner);
  await using events = await listenAs(server, viewer);
  await events.next('engines');
  const { id } = await bodyOf<{ id: string }>(await server.run(key, files.url('go-forward.wav')));
  const request = await events.next<RequestRow>('request', (heard) => heard.request_id === id);
  assert.equal(request.account.account_id, ours);
  await owner.post(`/api/keys/${row.key_id}`, { name: 'renamed' });
  await events.next('keys');
  await events.next('overview');
  await using fresh = await listenAs(server, viewer);
  await fresh.next('engines');
  assert.equal((await server.earshot('key', 'revoke', row.key_id)).code, 0);
  await fresh.next('keys');
});

test('the playground calls with a key of the account: held, charged and recorded as one of its calls', async () => {
  const { row } = await createKey(owner, { name: 'play', cap_usd: '1' });
  const recording = new Blob([await readFile(join(FIXTURES, 'go-forward.wav'))]);
  const form = new FormData();
  form.set('file', recording, 'go-forward.wav');
  form.set('key_id', row.key_id);
  form.set('model', MODEL);
  form.append('hotwords', 'forward');
  form.append('hotwords', 'metres');
  const uploaded = await owner.postForm<PlaygroundReply>('/api/playground', form);
  assert.equal(uploaded.status, 200, JSON.stringify(uploaded.body));
  const { text, segments, pieces, peaks, cost_usd: cost, request_id: id, srt, vtt } = uploaded.body;
  assert.match(text, /forward/i);
  assert.ok(segments.length > 0 && pieces.length > 0);
  assert.ok(peaks !== null && peaks.length <= 1000 && Math.max(...peaks) > 0.01);
  assert.match(srt, /-->/);
  assert.match(vtt, /^WEBVTT/);
  assert.equal((uploaded.body.json as { id: string }).id, id);
  assert.equal((await owner.get<KeyRow>(`/api/keys/${row.key_id}`)).body.spent_usd, cost);
  const [newest] = (await owner.get<Page<RequestRow>>(`/api/requests?key=${row.key_id}`)).body.data;
  assert.equal(newest?.request_id, id);
  const byUrl = { key_id: row.key_id, model: MODEL, audio_url: files.url('go-forward.wav') };
  const linked = await owner.post<PlaygroundReply>('/api/playground', byUrl);
  assert.equal(linked.body.text, text);
  // Of a recording that the page has not itself, it gets what there is to play.
  assert.equal(uploaded.body.wav, null);
  assert.deepEqual(Buffer.from(linked.body.wav ?? '', 'base64'), await readFile(join(FIXTURES, 'go-forward.wav')));
  assert.equal((await server.verify()).balanced, true);
});

test('the playground keeps to the cap, to the account and to keys that can transcribe', async () => {
  const audio = { model: MODEL, audio_url: files.url('go-forward.wav') };
  const poor = await createKey(owner, { cap_usd: '0' });
  assertRefused(await owner.post('/api/playground', { ...audio, key_id: poor.row.key_id }), 402, 'monthly_cap_reached');
  const their = await createKey(operator, { account_id: theirs });
  assertRefused(await owner.post('/api/playground', { ...audio, key_id: their.row.key_id }), 404, 'not_found');
  const reading = await createKey(owner, { kind: 'console' });
  const refused = await owner.post('/api/playground', { ...audio, key_id: reading.row.key_id });
  assertRefused(refused, 401, 'wholesale_key_required');
  assertRefused(
    await owner.post('/api/playground', { model: MODEL, key_id: poor.row.key_id }),
    400,
    'invalid_parameter',
  );
  const local = { ...audio, audio_url: 'http://127.0.0.1:1/a.wav', key_id: (await createKey(owner)).row.key_id };
  assertRefused(await owner.post('/api/playground', local), 400, 'audio_url_not_allowed');
});

test('overview, usage and statement tell the same sums, and hostile texts stay texts', async () => {
  const account = (await operator.post<AccountRow>('/api/accounts', { name: HOSTILE })).body;
  assert.equal(account.name, HOSTILE);
  const { key, row } = await createKey(operator, { account_id: account.account_id, name: HOSTILE_FORMULA });
  assert.equal(row.name, HOSTILE_FORMULA);
  for (let calls = 0; calls < 2; calls += 1) await server.run(key, files.url('go-forward.wav'));
  assert.equal((await server.run(key, files.url('go-forward.wav'), { model: HOSTILE })).status, 404);
  const query = `account=${account.account_id}`;
  const overview = (await operator.get<Overview>(`/api/overview?${query}`)).body;
  const usage = (await operator.get<UsageReply>(`/api/usage?${query}&group_by=key`)).body;
  const statement = (await operator.get<StatementReply>(`/api/statements?${query}`)).body;
  assert.equal(overview.day.requests, 3);
  assert.equal(overview.day.errors, 1);
  assert.equal(overview.month_traffic.requests, 3);
  assert.ok((overview.day.p50_ms ?? 0) > 0);
  assert.equal(overview.recent.length, 3);
  assert.equal(overview.spent_usd, usage.total.cost_usd);
  assert.equal(overview.spent_usd, statement.total.cost_usd);
  assert.equal(usage.data[0]?.group, row.key_id);
  assert.equal(usage.data[0]?.label, HOSTILE_FORMULA);
  assert.equal(overview.cost_by_key[0]?.label, HOSTILE_FORMULA);
  assert.equal(overview.live_keys, 1);
  const failed = (await operator.get<Page<RequestRow>>(`/api/requests?${query}&status=error`)).body.data;
  assert.deepEqual(
    failed.map(({ model, code }) => ({ model, code })),
    [{ model: HOSTILE, code: 'model_not_found' }],
  );
  for (const path of [`/api/usage.csv?${query}&group_by=key`, `/api/statements.csv?${query}`]) {
    const csv = await operator.get<string>(path);
    assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
    assert.match(csv.headers.get('content-disposition') ?? '', /^attachment; filename="[\w.-]+"$/);
    assert.ok(csv.body.includes(`"'=HYPERLINK(""http://evil.example"",""x"")"`), csv.body);
    assert.doesNotMatch(csv.body, /(^|,)"?=/m);
  }
  const found = await operator.get<Page<AccountRow>>(`/api/accounts?q=${encodeURIComponent('%_\\<script')}`);
  assert.deepEqual(
    found.body.data.map(({ name }) => name),
    [HOSTILE],
  );
});

const HOSTILE = `%_\\<script>alert(1)</script>'";--`;
const HOSTILE_FORMULA = '=HYPERLINK("http://evil.example","x")';

test('pages go on where the one before ended, and no other text is a cursor', async () => {
  const account = (await operator.post<AccountRow>('/api/accounts', { name: 'Pages' })).body.account_id;
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1)
    made.push((await createKey(operator, { account_id: account, name: `key ${count}` })).row.key_id);
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const path: string = `/api/keys?account=${account}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const page = (await operator.get<Page<KeyRow>>(path)).body;
    assert.ok(page.data.length <= 2);
    seen.push(...page.data.map((row) => row.key_id));
    cursor = page.next_cursor;
  }
  assert.deepEqual(seen.toSorted(), made.toSorted());
  assertRefused(await operator.get('/api/keys?cursor=nonsense'), 400, 'invalid_parameter');
  assertRefused(await operator.get('/api/keys?limit=1000'), 400, 'invalid_parameter');
  assertRefused(await operator.get('/api/keys?nonsense=1'), 400, 'unknown_parameter');
});

test('the operator sets prices and contracts from a date on, after a look at what they would have changed', async () => {
  const soon = new Date(Date.now() + 86_400_000).toISOString();
  const price = { input_usd_per_1m: '0.06', output_usd_per_1m: '0.06' };
  const preview = await operator.post<{ requests: number }>('/api/prices/preview', { model: MODEL, price });
  assert.equal(preview.body.requests, 0, 'nobody called last month');
  const set = await operator.post<{ version: number; state: string }>('/api/prices', {
    model: MODEL,
    price,
    valid_from: soon,
  });
  assert.deepEqual({ status: set.status, state: set.body.state }, { status: 200, state: 'coming' });
  const past = await operator.post('/api/prices', { model: MODEL, price, valid_from: '2020-01-01' });
  assertRefused(past, 400, 'invalid_parameter');
  assertRefused(await operator.post('/api/prices', { model: 'nobody/knows', price }), 404, 'model_not_found');
  const history = (await owner.get<Page<{ state: string }>>(`/api/models/prices?model=${MODEL}`)).body.data;
  assert.deepEqual(
    history.map(({ state }) => state),
    ['coming', 'current'],
  );
  const account = (await operator.post<AccountRow>('/api/accounts', { name: 'Contract' })).body.account_id;
  const contract = { account_id: account, discount_bps: 1_000, tiers: '100:2000' };
  assert.equal((await operator.post('/api/contracts/preview', contract)).status, 200);
  assert.equal((await operator.post('/api/contracts', { ...contract, valid_from: soon })).status, 200);
  const models = () => operator.get<ModelsReply>(`/api/models?account=${account}`);
  const discount = async () => (await models()).body.data.find(({ model }) => model === MODEL)?.price?.discount_bps;
  assert.equal(await discount(), 0, 'not yet');
  assert.equal((await operator.post('/api/contracts', contract)).status, 200);
  assert.equal(await discount(), 1_000);
  assert.equal((await audit('contract.set')).length, 2);
  assert.equal((await audit('price.set')).length, 1);
});

test('a balance, a webhook secret and the engines are there too', async () => {
  const body = createAccountRequest.parse({ name: 'Prepaid', balance_usd: '5' });
  const account = (await operator.post<AccountRow>('/api/accounts', body)).body;
  assert.deepEqual({ prepaid: account.prepaid, balance: account.balance_usd }, { prepaid: true, balance: '5' });
  const move = (kind: string, usd: string) =>
    operator.post<StatementReply['balance']>('/api/credits', {
      account_id: account.account_id,
      kind,
      usd,
      note: 'why',
    });
  assert.equal((await move('credit', '2.5')).body?.balance_usd, '7.5');
  assert.equal((await move('debit', '1')).body?.balance_usd, '6.5');
  const statement = (await operator.get<StatementReply>(`/api/statements?account=${account.account_id}`)).body;
  assert.deepEqual(
    statement.balance?.entries.map(({ kind, amount_usd: usd }) => [kind, usd]),
    [
      ['debit', '1'],
      ['credit', '2.5'],
      ['credit', '5'],
    ],
  );
  assert.equal((await server.verify()).balanced, true);
  assert.equal((await owner.get('/api/webhook-secret')).body, null);
  const first = (await owner.post<IssuedWebhookSecret>('/api/webhook-secret')).body;
  const second = (await owner.post<IssuedWebhookSecret>('/api/webhook-secret')).body;
  assert.match(first.secret, /^whsec_/);
  assert.notEqual(second.secret, first.secret);
  assert.ok(second.old_retires_at !== null);
  assert.doesNotMatch(JSON.stringify((await viewer.get('/api/webhook-secret')).body), /whsec_/);
  const engines = (await operator.get<EnginesReply>('/api/engines')).body;
  assert.deepEqual(
    engines.data.map(({ engine, ready }) => ({ engine, ready })),
    [{ engine: 'embedded', ready: true }],
  );
});

test('below /dashboard/ every answer forbids what the page does not need', async () => {
  const page = await send<string>(server, 'GET', '/dashboard/keys');
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'self';/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  const redirect = await send(server, 'GET', '/dashboard');
  assert.deepEqual([redirect.status, redirect.headers.get('location')], [308, '/dashboard/']);
  for (const path of [
    '/dashboard/assets/../../main.js',
    '/dashboard/..%2f..%2fpackage.json',
    '/dashboard/assets/none.js',
  ]) {
    const answer = await send<string>(server, 'GET', path);
    assert.doesNotMatch(JSON.stringify(answer.body), /"dependencies"|composition root/);
  }
});
