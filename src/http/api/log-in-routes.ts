/** The way to a session, and out of it. */
import type { Viewer } from '../../access/sessions.ts';
import { AppError } from '../../core/errors.ts';
import type { HttpCall, Route } from '../app.ts';
import { loginRequest, setupQuery, setupRequest, type Me, type SetupFacts } from './contract.ts';
import { bodyOf, EVERYBODY, queryOf } from './guard.ts';
import { baseOf, type ApiServices } from './api-services.ts';
import { endedSessionCookie, sessionCookie } from './session-cookie.ts';

export function logInRoutes(services: ApiServices): Route[] {
  const { guard, logIn, sessions, users, publicUrl } = services;

  async function entered(call: HttpCall, sessionId: string): Promise<Me> {
    const viewer = await sessions.find(sessionId);
    if (viewer === null) throw new AppError('session_required');
    call.answerHeaders.append('set-cookie', sessionCookie(sessionId, publicUrl));
    call.facts['user_id'] = viewer.userId;
    return meOf(services, call.request, viewer);
  }

  return [
    guard.open('POST', '/api/login', async (call) =>
      entered(call, await logIn.withPassword(await bodyOf(call, loginRequest), call.client.address)),
    ),
    guard.open('GET', '/api/setup', async (call): Promise<SetupFacts> => {
      const { email, role, expiresAt } = await users.findLink(queryOf(call, setupQuery).token);
      return { email, role, expires_at: new Date(expiresAt).toISOString() };
    }),
    guard.open('POST', '/api/setup', async (call) => {
      const { token, password, email = null } = await bodyOf(call, setupRequest);
      return entered(call, await logIn.withLink({ token, password, email }, call.client.address));
    }),
    guard.route('POST', '/api/logout', EVERYBODY, async (call) => {
      await logIn.logOut(call.sessionId, call.viewer, call.client.address);
      call.answerHeaders.append('set-cookie', endedSessionCookie(publicUrl));
      return {};
    }),
    guard.route('GET', '/api/me', EVERYBODY, async ({ request, viewer }) => meOf(services, request, viewer)),
  ];
}

function meOf(services: ApiServices, request: Request, viewer: Viewer): Me {
  const { version, defaultLimits, keeps } = services;
  return {
    user: { user_id: viewer.userId, email: viewer.email },
    role: viewer.role,
    account: viewer.accountId === null ? null : { account_id: viewer.accountId, name: viewer.accountName ?? '' },
    version,
    public_url: baseOf(services, request),
    session_expires_at: new Date(viewer.sessionExpiresAt).toISOString(),
    default_limits: {
      requests_per_minute: defaultLimits.requestsPerMinute,
      concurrency: defaultLimits.concurrency,
    },
    keeps,
  };
}
