/** The dashboard's side of the server: its routes, its events, and the first link to it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Route } from '../http/app.ts';
import { engineHealth } from '../http/api/engine-bodies.ts';
import { createEventHub, type EventHub } from '../http/api/event-hub.ts';
import { createGuard } from '../http/api/guard.ts';
import { apiRoutes } from '../http/api/routes.ts';
import type { Calls } from '../http/calls.ts';
import type { Metrics } from '../http/metrics.ts';
import { dashboardRoute } from '../http/routes/dashboard/route.ts';
import type { Services } from '../transcribe/transcribe.ts';
import type { Books } from './books.ts';
import type { Ears } from './ears.ts';

/** Beside this file's folder in the build. */
const FOLDER = fileURLToPath(new URL('../dashboard/', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);

export interface DashboardParts {
  readonly config: Config;
  readonly ears: Ears;
  readonly books: Books;
  readonly services: Services;
  readonly hub: EventHub;
  readonly calls: Calls;
  readonly metrics: Metrics;
}

export function createDashboardEvents(ears: Ears, books: Books, clock: Clock, log: Logger): EventHub {
  return createEventHub({
    reports: books.reports,
    isOneOfSeveral: !books.isAlone,
    engines: () => ears.engines.map(engineHealth),
    clock,
    log,
  });
}

/** Calls that tell the open pages when their rows are written. */
export function tellingOfEnds<S extends Services>(services: S, hub: EventHub): S {
  return {
    ...services,
    async recordUncharged(call, end, times) {
      await services.recordUncharged(call, end, times);
      hub.callEnded(call);
    },
    async recordTimes(call, times) {
      await services.recordTimes(call, times);
      hub.callEnded(call);
    },
  };
}

export function dashboardRoutes({ config, ears, books, services, hub, calls, metrics }: DashboardParts): Route[] {
  const { publicUrl } = config;
  const { sessions, reports } = books;
  const guard = createGuard({ sessions, publicUrl });
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  return [
    ...apiRoutes(
      {
        guard,
        sessions,
        reports,
        publicUrl,
        version,
        changes: (describe) => books.changes(describe),
        logIn: books.logIn,
        users: books.users,
        models: ears.registry.list(),
        registry: ears.registry,
        engines: ears.engines,
        queue: ears.schedule,
        defaultLimits: books.keyDefaults,
        keeps: config.keep,
        changed: () => hub.changed(),
      },
      {
        guard,
        reports,
        transcription: services,
        receive: (chunks, signal) => ears.opener.receive(chunks, signal),
        calls,
        metrics,
        callMsMax: config.limits.call_seconds * 1000,
      },
      hub,
    ),
    dashboardRoute(FOLDER),
  ];
}

/** Whoever sees the terminal of a server on this machine may make its first user; null where there is one, or where others could come first. */
export async function firstLink(config: Config, books: Books, url: string): Promise<string | null> {
  if (!isLoopback(config.host)) return null;
  const link = await books.users.firstLink();
  if (link === null) return null;
  return `${config.publicUrl?.replace(/\/+$/, '') ?? url}/dashboard/setup?token=${link.token}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
