/** The HTTP surface: a table of routes, one way from an error to a response, one log line for each request. */
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { AppError, CallerGone, outcomeOf, toAppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { ClientAddress, ReadClientAddress } from './client-address.ts';
import { errorResponse } from './error-response.ts';
import type { Metrics } from './metrics.ts';

/** One request, as a route sees it. */
export interface HttpCall {
  readonly request: Request;
  readonly requestId: string;
  readonly client: ClientAddress;
  /** Aborted when the caller closes the connection before its answer is written. */
  readonly disconnected: AbortSignal;
  /** Headers for the answer, whatever it will be: they are sent with errors too. */
  readonly answerHeaders: Headers;
  /** Facts for the log line. Never a key, a transcript, or a URL's path. */
  readonly facts: Record<string, string | number | boolean | null>;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  handle(call: HttpCall): Promise<Response> | Response;
}

export interface AppServices {
  readonly routes: readonly Route[];
  readonly readClientAddress: ReadClientAddress;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

type Bindings = { Bindings: HttpBindings };

export function createApp(services: AppServices): Hono<Bindings> {
  const app = new Hono<Bindings>();
  for (const route of services.routes) {
    app.on(route.method, route.path, (context) => answer(services, context, route.path, (call) => route.handle(call)));
  }
  for (const [path, methods] of methodsByPath(services.routes)) {
    app.all(path, (context) =>
      answer(services, context, path, (call) => {
        call.answerHeaders.set('allow', methods.join(', '));
        throw new AppError('method_not_allowed');
      }),
    );
  }
  app.notFound((context) => answer(services, context, '(none)', () => Promise.reject(new AppError('not_found'))));
  return app;
}

async function answer(
  services: AppServices,
  context: Context<Bindings>,
  route: string,
  handle: (call: HttpCall) => Promise<Response> | Response,
): Promise<Response> {
  const startedAt = services.clock.now();
  const request = context.req.raw;
  const { socket } = context.env.incoming;
  using connection = watchConnection(socket);
  const call: HttpCall = {
    request,
    requestId: newId('req'),
    client: services.readClientAddress(
      socket.remoteAddress,
      request.headers.get('x-forwarded-for') ?? request.headers.get('forwarded'),
    ),
    disconnected: connection.lost,
    answerHeaders: new Headers(),
    facts: {},
  };
  let outcome: { readonly status: number; readonly code: string };
  let response: Response;
  try {
    response = await handle(call);
    outcome = { status: response.status, code: '' };
  } catch (error) {
    const isGone = error instanceof CallerGone || call.disconnected.aborted;
    const refusal = toAppError(error);
    if (!isGone) logRefusal(services.log, call, refusal);
    outcome = outcomeOf(isGone ? new CallerGone() : refusal);
    response = errorResponse(refusal, call.requestId);
  }
  call.answerHeaders.set('x-request-id', call.requestId);
  for (const [name, value] of call.answerHeaders) response.headers.set(name, value);
  const ms = services.clock.now() - startedAt;
  services.metrics.request(route, outcome.status, outcome.code, ms / 1000);
  const fields = { request_id: call.requestId, method: request.method, route, ...outcome, ms, ...call.facts };
  if (route.startsWith('/health') || route === '/metrics') services.log.debug(fields, 'request');
  else services.log.info(fields, 'request');
  return response;
}

/**
 * The connection, not the answer, says that a caller has left: an answer that waits behind another one on its connection
 * never closes by itself.
 */
function watchConnection(socket: Socket): Disposable & { readonly lost: AbortSignal } {
  const controller = new AbortController();
  const lose = (): void => controller.abort(new CallerGone());
  // As many calls as a client pipelines share the connection.
  socket.setMaxListeners(0);
  if (socket.destroyed) lose();
  socket.once('close', lose);
  return { lost: controller.signal, [Symbol.dispose]: () => void socket.removeListener('close', lose) };
}

function logRefusal(log: Logger, call: HttpCall, refusal: AppError): void {
  const fields = { request_id: call.requestId, code: refusal.code, detail: refusal.detail, cause: causeOf(refusal) };
  if (refusal.code === 'internal_error') log.error(fields, 'request-failed');
  else if (refusal.detail !== undefined) log.warn(fields, 'request-refused');
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined;
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    const known = methods.get(route.path) ?? [];
    methods.set(route.path, [...known, ...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])]);
  }
  return methods;
}
