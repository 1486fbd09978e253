/** For tests: somebody who is logged in to a server's dashboard, as a browser would be. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { AccountRow, AuditRow, Page } from '../http/api/contract.ts';
import { startServer, type RunningServer } from './running-server.ts';

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly param: string | null };
}

export interface Person {
  readonly cookie: string;
  get<T>(path: string): Promise<Answer<T>>;
  post<T>(path: string, body?: unknown): Promise<Answer<T>>;
  /** A form, as a page sends it. */
  postForm<T>(path: string, form: FormData): Promise<Answer<T>>;
}

export const PASSWORD = 'correct horse battery staple';

/** A request that a page of the server itself would send. */
export async function send<T>(
  server: Pick<RunningServer, 'url'>,
  method: 'GET' | 'POST',
  path: string,
  options: { cookie?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer<T>> {
  const { cookie, body, headers } = options;
  const isForm = body instanceof FormData;
  const response = await fetch(`${server.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(method === 'POST' ? { 'sec-fetch-site': 'same-origin' } : {}),
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
      ...(cookie === undefined ? {} : { cookie }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
}

export function personWith(server: Pick<RunningServer, 'url'>, cookie: string): Person {
  return {
    cookie,
    get: (path) => send(server, 'GET', path, { cookie }),
    post: (path, body = {}) => send(server, 'POST', path, { cookie, body }),
    postForm: (path, form) => send(server, 'POST', path, { cookie, body: form }),
  };
}

/** The cookie that an answer sets, as a browser sends it back. */
export function cookieOf({ headers }: Answer<unknown>): string {
  return headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** Uses a one-time link. */
export async function setUp(server: RunningServer, link: string, email?: string): Promise<Person> {
  const token = new URL(link).searchParams.get('token');
  const body = { token, password: PASSWORD, ...(email === undefined ? {} : { email }) };
  const answer = await send(server, 'POST', '/api/setup', { body });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return personWith(server, cookieOf(answer));
}

/** A new user with a session, made by the command. */
export async function logInAs(
  server: RunningServer,
  role: 'operator' | 'owner' | 'viewer',
  accountId?: string,
): Promise<Person & { readonly email: string }> {
  people += 1;
  const email = `${role}-${people}@example.com`;
  const account = accountId === undefined ? [] : ['--account', accountId];
  const made = await server.earshot('user', 'create', '--email', email, '--role', role, ...account, '--json');
  assert.equal(made.code, 0, made.stderr);
  const { link } = JSON.parse(made.stdout) as { link: string };
  return { ...(await setUp(server, link)), email };
}

let people = 0;

/** The events that an open page of theirs hears. */
export async function listenAs(server: Pick<RunningServer, 'url'>, person: Person) {
  const left = new AbortController();
  const response = await fetch(`${server.url}/api/events`, { headers: { cookie: person.cookie }, signal: left.signal });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async <T>(name: string, isIt: (data: T) => boolean = () => true): Promise<T> => {
    for (;;) {
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const [index, event] of events.entries()) {
        const [, heard, data = 'null'] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
        if (heard !== name || !isIt(JSON.parse(data) as T)) continue;
        text = [...events.slice(index + 1), text].join('\n\n');
        return JSON.parse(data) as T;
      }
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
      assert.ok(!done, `the stream ended before ${name}`);
      text += value ?? '';
    }
  };
  return { next, [Symbol.asyncDispose]: async () => left.abort() };
}

export function assertRefused(answer: { status: number; body: unknown }, status: number, code: string): void {
  assert.deepEqual(
    { status: answer.status, code: (answer.body as Partial<ErrorBody>).error?.code },
    { status, code },
    JSON.stringify(answer.body),
  );
}

/** A server with two accounts, and people of each role. */
export async function openDashboard(environment: Readonly<Record<string, string>> = {}) {
  const server = await startServer({ environment });
  const firstLine = await server.lineAfterListening();
  const operator = await setUp(server, /https?:\S+/.exec(firstLine)?.[0] ?? '', 'Op@Example.com');
  const accountOf = async (name: string): Promise<string> =>
    (await operator.post<AccountRow>('/api/accounts', { name })).body.account_id;
  const [ours, theirs] = [await accountOf('Ours'), await accountOf('Theirs')];
  return {
    server,
    firstLine,
    operator,
    ours,
    theirs,
    owner: await logInAs(server, 'owner', ours),
    viewer: await logInAs(server, 'viewer', ours),
    /** The newest rows of one action in the audit log. */
    audit: async (action: string): Promise<readonly AuditRow[]> =>
      (await operator.get<Page<AuditRow>>(`/api/audit?action=${action}`)).body.data,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export type Dashboard = Awaited<ReturnType<typeof openDashboard>>;

/** What the server's database says of their session. */
export function openSession(server: Pick<RunningServer, 'dataDirectory'>, { cookie }: Person) {
  const digest = createHash('sha256')
    .update(cookie.split('=')[1] ?? '')
    .digest('hex');
  const database = openDatabase(server);
  return {
    ...database,
    set: (column: 'seen_at' | 'expires_at', value: number): number =>
      database.run(`update dashboard_session set ${column} = ? where session_digest = ?`, value, digest),
    seenAt: (): unknown => database.get('select seen_at from dashboard_session where session_digest = ?', digest),
  };
}

/** The server's own file, beside the server. */
export function openDatabase(server: Pick<RunningServer, 'dataDirectory'>) {
  const database = new Database(join(server.dataDirectory, 'earshot.db'), { timeout: 10_000 });
  return {
    run: (statement: string, ...values: unknown[]) => database.prepare(statement).run(...values).changes,
    get: (statement: string, ...values: unknown[]): unknown =>
      database
        .prepare(statement)
        .pluck()
        .get(...values),
    [Symbol.dispose]: () => void database.close(),
  };
}
