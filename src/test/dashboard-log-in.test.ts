/** The way into the dashboard through the real server: links, passwords, sessions, and requests of other sites. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import type { KeyRow, Me, Page, UserRow, UserWithLink } from '../http/api/contract.ts';
import {
  assertRefused,
  cookieOf,
  listenAs,
  logInAs,
  openDashboard,
  openDatabase,
  openSession,
  PASSWORD,
  personWith,
  send,
  setUp,
  type Dashboard,
  type Person,
} from './dashboard-session.ts';
import type { RunningServer } from './running-server.ts';

let dashboard: Dashboard;
let server: RunningServer;
let operator: Person;
let ours: string;
let owner: Person & { email: string };
let viewer: Person & { email: string };
let audit: Dashboard['audit'];
let firstLine: string;

before(async () => {
  dashboard = await openDashboard();
  ({ server, operator, ours, owner, viewer, audit, firstLine } = dashboard);
});

after(() => dashboard[Symbol.asyncDispose]());

test('without a session every address below /api is 401 session_required', async () => {
  for (const path of ['/api/keys', '/api/overview', '/api/audit', '/api/events', '/api/nothing', '/api/keys/key_1']) {
    const answer = await send(server, 'GET', path);
    assertRefused(answer, 401, 'session_required');
    assert.equal(answer.headers.get('www-authenticate'), null);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
  for (const path of ['/api/keys', '/api/logout', '/api/playground', '/api/users'])
    assertRefused(await send(server, 'POST', path, { body: {} }), 401, 'session_required');
  assertRefused(await personWith(server, 'earshot_session=made-up').get('/api/keys'), 401, 'session_required');
});

test('the link of a first start makes the operator, once, and a later start prints none', async () => {
  assert.match(firstLine, /^Set up the dashboard, once: http:\/\/127\.0\.0\.1:\d+\/dashboard\/setup\?token=[\w-]{43}$/);
  const me = await operator.get<Me>('/api/me');
  assert.equal(me.body.role, 'operator');
  assert.equal(me.body.user.email, 'op@example.com');
  assert.equal(me.body.account, null);
  const token = new URL(/https?:\S+/.exec(firstLine)?.[0] ?? '').searchParams.get('token');
  assertRefused(await send(server, 'GET', `/api/setup?token=${token}`), 404, 'not_found');
  const again = { token, password: PASSWORD, email: 'second@example.com' };
  assertRefused(await send(server, 'POST', '/api/setup', { body: again }), 404, 'not_found');
});

test('a one-time link works once, also when it is used twice at the same time', async () => {
  const made = await operator.post<UserWithLink>('/api/users', { email: 'once@example.com', role: 'operator' });
  assert.equal(made.status, 200);
  assert.equal(made.body.row.has_password, false);
  const token = new URL(made.body.setup_url).searchParams.get('token') ?? '';
  assert.deepEqual(
    (await send<{ email: string }>(server, 'GET', `/api/setup?token=${token}`)).body.email,
    'once@example.com',
  );
  const short = { token, password: 'too short' };
  assertRefused(await send(server, 'POST', '/api/setup', { body: short }), 400, 'invalid_parameter');
  const uses = await Promise.all(
    [1, 2, 3].map(() => send(server, 'POST', '/api/setup', { body: { token, password: PASSWORD } })),
  );
  assert.deepEqual(
    uses.map(({ status }) => status).toSorted((one, other) => one - other),
    [200, 404, 404],
  );
  const again = await operator.post('/api/users', { email: 'ONCE@example.com', role: 'operator' });
  assertRefused(again, 409, 'conflict');
  for (const refused of [again, await send(server, 'GET', `/api/setup?token=${token}`)])
    assert.match(messageOf(refused), /earshot user link/);
});

test('an operator gives a user another link, and removes one: their pages end at once, and the log says who did it', async () => {
  const person = await logInAs(server, 'viewer', ours);
  const [row] = (await operator.get<Page<UserRow>>(`/api/users?q=${person.email}`)).body.data;
  assert.ok(row !== undefined);
  await using page = await listenAs(server, person);
  const made = await operator.post<UserWithLink>(`/api/users/${row.user_id}/link`);
  assert.equal(made.body.row.has_password, true);
  assert.equal((await person.get('/api/me')).status, 200, 'the link is not used yet');
  const renewed = await setUp(server, made.body.setup_url);
  assertRefused(await person.get('/api/me'), 401, 'session_required');
  const removed = await operator.post<UserRow>(`/api/users/${row.user_id}/remove`);
  assert.equal(removed.body.email, person.email);
  assertRefused(await renewed.get('/api/me'), 401, 'session_required');
  await assert.rejects(page.next('never'), /the stream ended/);
  const login = { email: person.email, password: PASSWORD };
  assertRefused(await send(server, 'POST', '/api/login', { body: login }), 401, 'login_failed');
  assert.deepEqual((await operator.get<Page<UserRow>>(`/api/users?q=${person.email}`)).body.data, []);
  for (const what of ['link', 'remove'])
    for (const id of [row.user_id, 'usr_none'])
      assertRefused(await operator.post(`/api/users/${id}/${what}`), 404, 'not_found');
  for (const action of ['user.link', 'user.remove']) {
    const [entry] = await audit(action);
    assert.deepEqual(
      [entry?.target, entry?.account?.account_id, entry?.user?.email, entry?.detail],
      [row.user_id, ours, 'op@example.com', { email: person.email }],
    );
  }
  assert.equal((await audit('user.setup'))[0]?.user?.email, person.email, 'the log still knows their name');
});

test('nobody removes themselves', async () => {
  const { user } = (await operator.get<Me>('/api/me')).body;
  assertRefused(await operator.post(`/api/users/${user.user_id}/remove`), 409, 'conflict');
  assert.equal((await operator.get('/api/me')).status, 200);
});

test('who is removed, or logs out, while a body is on its way changes nothing by it', async () => {
  const [gone, left] = [await logInAs(server, 'operator'), await logInAs(server, 'operator')];
  const made = { email: 'back-door@example.com', role: 'operator' };
  const json = await withholdBody(gone, '/api/users', new Request(server.url, asJson(made)));
  const alsoJson = await withholdBody(left, '/api/users', new Request(server.url, asJson(made)));
  const form = new FormData();
  form.set('key_id', 'key_1');
  form.set('model', 'glm/glm-asr-2512');
  form.set('file', new Blob(['not a recording']), 'a.wav');
  const upload = await withholdBody(gone, '/api/playground', new Request(server.url, { method: 'POST', body: form }));
  assert.equal((await server.earshot('user', 'remove', '--email', gone.email)).code, 0);
  assert.equal((await left.post('/api/logout')).status, 200);
  for (const sendBody of [json, alsoJson, upload]) assertRefused(await sendBody(), 401, 'session_required');
  assert.deepEqual((await operator.get<Page<UserRow>>('/api/users?q=back-door')).body.data, []);
});

function asJson(value: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** Sends the head of a request that says who they are, and gives how to send the rest of it. */
async function withholdBody(person: Person, path: string, like: Request) {
  const body = Buffer.from(await like.arrayBuffer());
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const head = {
    host: new URL(server.url).host,
    cookie: person.cookie,
    connection: 'close',
    'sec-fetch-site': 'same-origin',
    'content-type': like.headers.get('content-type') ?? '',
    'content-length': body.length,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  // Requests are taken one after the other: when this one is answered, that one has been let in.
  for (let times = 0; times < 3; times += 1) assert.equal((await person.get('/api/me')).status, 200);
  return async (): Promise<{ status: number; body: unknown }> => {
    socket.write(body);
    const answer = Buffer.concat(await socket.toArray()).toString('utf8');
    const [, status = '', text = ''] = /^HTTP\/1\.1 (\d+) [\s\S]*?\r\n\r\n(?:[\da-f]+\r\n)?(.*)/.exec(answer) ?? [];
    return { status: Number(status), body: JSON.parse(text) };
  };
}

test('commands do the same for users, and are in the log', async () => {
  const person = await logInAs(server, 'viewer', ours);
  const linked = await server.earshot('user', 'link', '--email', person.email.toUpperCase());
  assert.equal(linked.code, 0, linked.stderr);
  const renewed = await setUp(server, linked.stdout.split('\n')[0] ?? '');
  const removed = await server.earshot('user', 'remove', '--email', person.email, '--json');
  assert.equal(removed.code, 0, removed.stderr);
  assertRefused(await renewed.get('/api/me'), 401, 'session_required');
  const again = await server.earshot('user', 'remove', '--email', person.email);
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /no user with this e-mail address/);
  assert.deepEqual((await audit('user.remove'))[0]?.user, null);
});

test('a password gets a session, a wrong one and an unknown address the same refusal', async () => {
  const login = (email: string, password: string) =>
    send<Me>(server, 'POST', '/api/login', { body: { email, password } });
  const good = await login(` ${owner.email.toUpperCase()} `, PASSWORD);
  assert.equal(good.status, 200);
  const cookie = good.headers.get('set-cookie') ?? '';
  assert.match(cookie, /^earshot_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.equal((await personWith(server, cookieOf(good)).get<Me>('/api/me')).body.account?.account_id, ours);
  const wrong = await login(owner.email, 'not the password');
  const unknown = await login('nobody@example.com', PASSWORD);
  assertRefused(wrong, 401, 'login_failed');
  assertRefused(unknown, 401, 'login_failed');
  const failures = await audit('user.login_failed');
  assert.deepEqual(
    failures.slice(0, 2).map(({ user, address }) => ({ user, address })),
    [
      { user: null, address: '127.0.0.1' },
      { user: null, address: '127.0.0.1' },
    ],
  );
  assert.doesNotMatch(JSON.stringify(failures), /nobody@example|not the password/);
});

function messageOf({ body }: { body: unknown }): string {
  return (body as { error: { message: string } }).error.message;
}

test('who guesses waits: of ten guesses at once most are not looked at', async () => {
  const guess = () => send(server, 'POST', '/api/login', { body: { email: 'guessed@example.com', password: 'guess' } });
  const answers = await Promise.all(Array.from({ length: 10 }, guess));
  const waiting = answers.filter(({ status }) => status === 429);
  assert.ok(waiting.length >= 4, `${waiting.length} of 10 had to wait`);
  for (const answer of waiting) {
    assertRefused(answer, 429, 'rate_limited');
    const seconds = answer.headers.get('retry-after') ?? '';
    assert.match(seconds, /^[1-9]\d*$/);
    assert.match(messageOf(answer), new RegExp(`Try again in ${seconds} seconds?\\.$`), 'a person sees no header');
  }
});

test('a session ends with its log-out, for whoever has its cookie', async () => {
  const login = await send(server, 'POST', '/api/login', { body: { email: viewer.email, password: PASSWORD } });
  const person = personWith(server, cookieOf(login));
  assert.equal((await person.get('/api/me')).status, 200);
  const out = await person.post('/api/logout');
  assert.match(
    out.headers.get('set-cookie') ?? '',
    /^earshot_session=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/,
  );
  assertRefused(await person.get('/api/me'), 401, 'session_required');
  assert.equal((await audit('user.logout'))[0]?.user?.email, viewer.email);
  assert.equal((await viewer.get('/api/me')).status, 200, 'another session of the same user goes on');
});

test('a session that has expired, or was not used for half a day, is none', async () => {
  const person = await logInAs(server, 'viewer', ours);
  using session = openSession(server, person);
  const { set } = session;
  assert.equal((await person.get('/api/me')).status, 200);
  const now = Date.now();
  assert.equal(set('seen_at', now - 13 * 3_600_000), 1);
  assertRefused(await person.get('/api/me'), 401, 'session_required');
  set('seen_at', now);
  assert.equal((await person.get('/api/me')).status, 200);
  set('expires_at', now - 1);
  assertRefused(await person.get('/api/me'), 401, 'session_required');
});

test('nothing is changed for a request that another site may have made', async () => {
  const body = { name: 'forged', kind: 'wholesale' };
  const cookie = owner.cookie;
  const forge = (headers: Record<string, string>) => send(server, 'POST', '/api/keys', { cookie, body, headers });
  const plain = await fetch(`${server.url}/api/keys`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(plain.status, 403, 'neither Sec-Fetch-Site nor Origin');
  for (const site of ['cross-site', 'same-site', 'none', ''])
    assertRefused(await forge({ 'sec-fetch-site': site }), 403, 'cross_site_request');
  const origins = ['http://evil.example', 'null', `${server.url}.evil.example`, 'http://127.0.0.1:1'];
  for (const origin of origins) {
    const response = await fetch(`${server.url}/api/keys`, {
      method: 'POST',
      headers: { cookie, origin, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 403, origin);
  }
  const login = { email: owner.email, password: PASSWORD };
  const forgedLogin = await send(server, 'POST', '/api/login', {
    body: login,
    headers: { 'sec-fetch-site': 'cross-site' },
  });
  assertRefused(forgedLogin, 403, 'cross_site_request');
  const form = await fetch(`${server.url}/api/keys`, {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' },
    body: JSON.stringify(body),
  });
  assert.equal(form.status, 415);
  const keys = await owner.get<Page<KeyRow>>('/api/keys?q=forged');
  assert.deepEqual(keys.body.data, []);
  const own = await fetch(`${server.url}/api/logout`, {
    method: 'POST',
    headers: { cookie: 'earshot_session=none', origin: server.url },
  });
  assert.equal(own.status, 401, 'an Origin of this server passes as far as the session');
});

test('the audit log refuses to be changed, by the database itself', () => {
  using database = openDatabase(server);
  assert.throws(() => database.run(`update audit set action = 'nothing'`), /never changed/);
  assert.throws(() => database.run('delete from audit'), /never changed/);
});
