/**
 * What stands before every route of `/api`: no other site may send a request that changes something, a session says who is
 * there, and the role says what they may do. Replies are neither kept nor interpreted by a browser.
 */
import type { Sessions, Viewer } from '../../access/sessions.ts';
import { AppError } from '../../core/errors.ts';
import type { HttpCall, Route } from '../app.ts';
import { parseBody, readJson } from '../body.ts';
import { readForm, type Form, type FormOptions } from '../form.ts';
import type { z } from 'zod';
import type { Role } from './contract.ts';
import { readSessionCookie } from './session-cookie.ts';

/** A request with a session, which everything below `/api` has but the way to one. */
export interface ApiCall extends HttpCall {
  readonly viewer: Viewer;
  readonly sessionId: string;
  /** Looks again: a body may have been withheld until the session had ended. Throws as the guard does. */
  requireStill(): Promise<void>;
}

/** What a route gives: a body for JSON, or a whole response. */
type Answer = object | null | Response;

export interface GuardOptions {
  readonly sessions: Sessions;
  /** The address that people use; null where it is the one that they called. */
  readonly publicUrl: string | null;
}

export interface Guard {
  /** For everybody. */
  open(method: Route['method'], path: string, handle: (call: HttpCall) => Promise<Answer>): Route;
  /** For those who are logged in, with one of the roles. */
  route(
    method: Route['method'],
    path: string,
    roles: readonly Role[],
    handle: (call: ApiCall) => Promise<Answer>,
  ): Route;
}

export const EVERYBODY: readonly Role[] = ['operator', 'owner', 'viewer'];
export const CHANGERS: readonly Role[] = ['operator', 'owner'];
export const OPERATOR: readonly Role[] = ['operator'];

export function createGuard({ sessions, publicUrl }: GuardOptions): Guard {
  const guarded = (method: Route['method'], path: string, handle: (call: HttpCall) => Promise<Answer>): Route => ({
    method,
    path,
    async handle(call) {
      for (const [name, value] of Object.entries(HEADERS)) call.answerHeaders.set(name, value);
      if (method !== 'GET') requireSameOrigin(call.request, publicUrl);
      const answer = await handle(call);
      return answer instanceof Response ? answer : Response.json(answer);
    },
  });
  return {
    open: guarded,
    route: (method, path, roles, handle) =>
      guarded(method, path, async (call) => {
        const sessionId = readSessionCookie(call.request.headers, publicUrl);
        if (sessionId === null) throw new AppError('session_required');
        const viewer = isUse(path, call.request) ? await sessions.find(sessionId) : await sessions.look(sessionId);
        requireRole(viewer, roles);
        call.facts['user_id'] = viewer.userId;
        const requireStill = async (): Promise<void> => requireRole(await sessions.look(sessionId), roles);
        return handle({ ...call, viewer, sessionId, requireStill });
      }),
  };
}

/** A page that was forgotten reads on by itself, and listens again after a break: that keeps no session. */
function isUse(path: string, { headers }: Request): boolean {
  return path !== '/api/events' && headers.get('x-earshot-unattended') !== '1';
}

function requireRole(viewer: Viewer | null, roles: readonly Role[]): asserts viewer is Viewer {
  if (viewer === null) throw new AppError('session_required');
  if (!roles.includes(viewer.role)) throw new AppError('role_not_allowed');
}

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** A browser says where a request comes from, and a page of another site can't make it say otherwise. */
function requireSameOrigin({ headers, url }: Request, publicUrl: string | null): void {
  const site = headers.get('sec-fetch-site');
  if (site !== null) {
    if (site === 'same-origin') return;
    throw new AppError('cross_site_request', { detail: `Sec-Fetch-Site ${site}` });
  }
  const origin = headers.get('origin') ?? '';
  // A proxy in front may have ended TLS, so that the scheme is known from the public URL alone.
  const own = [new URL(url).origin, ...(publicUrl === null ? [] : [new URL(publicUrl).origin])];
  if (own.includes(origin)) return;
  throw new AppError('cross_site_request', { detail: 'neither Sec-Fetch-Site nor an Origin of this server' });
}

/** Whose rows a viewer sees: those of their account, whatever they ask for; an operator all, or those of the one named. */
export function accountOf({ viewer }: Pick<ApiCall, 'viewer'>, asked: string | undefined): string | null {
  if (viewer.role !== 'operator') return viewer.accountId;
  return asked === undefined || asked === '' ? null : asked;
}

/** Like `accountOf`, where it must be one. */
export function oneAccountOf(call: Pick<ApiCall, 'viewer'>, asked: string | undefined, param: string): string {
  const accountId = accountOf(call, asked);
  if (accountId !== null) return accountId;
  throw new AppError('invalid_parameter', { param, message: `The parameter "${param}" is missing: name the account.` });
}

export function queryOf<T extends z.ZodType>(call: HttpCall, schema: T): z.infer<T> {
  return parseBody(schema, Object.fromEntries(new URL(call.request.url).searchParams));
}

const BODY_BYTES_MAX = 64 * 1024;

/** Bodies here are small; none waits for a place among the large ones. */
const NO_ROOM = { take: () => Promise.resolve(), [Symbol.dispose]() {} };

/** A request, with a session or before there is one. */
type AnyCall = HttpCall & Partial<Pick<ApiCall, 'requireStill'>>;

export async function bodyOf<T extends z.ZodType>(call: AnyCall, schema: T): Promise<z.infer<T>> {
  const limits = { bytesMax: BODY_BYTES_MAX, smallBytesMax: BODY_BYTES_MAX, room: NO_ROOM };
  const { value } = await readJson(call.request, limits);
  await call.requireStill?.();
  return parseBody(schema, value);
}

export async function formOf<File extends { readonly complete: Promise<void> }>(
  call: AnyCall,
  options: FormOptions<File>,
): Promise<Form<File>> {
  const form = await readForm(call.request, options);
  await call.requireStill?.();
  return form;
}

/** The id in the path, such as that of `/api/keys/{id}/rotate`. */
export function idOf({ request }: HttpCall): string {
  return new URL(request.url).pathname.split('/')[3] ?? '';
}
