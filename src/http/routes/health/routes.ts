import type { Route } from '../../app.ts';

/** What must be true before calls are sent here. */
export interface Readiness {
  readonly engine: boolean;
  readonly database: boolean;
  readonly draining: boolean;
}

/** `/health/live` says that the process answers; `/health/ready` that it would take a call. Neither needs a key. */
export function healthRoutes(readiness: () => Promise<Readiness>): Route[] {
  return [
    { method: 'GET', path: '/health/live', handle: () => Response.json({ status: 'live' }) },
    {
      method: 'GET',
      path: '/health/ready',
      async handle() {
        const { engine, database, draining } = await readiness();
        const ready = engine && database && !draining;
        const body = { status: ready ? 'ready' : 'not_ready', engine, database, draining };
        return Response.json(body, { status: ready ? 200 : 503 });
      },
    },
  ];
}
