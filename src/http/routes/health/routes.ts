import { z } from 'zod';
import type { Route } from '../../app.ts';
import { replySchemas } from '../../openapi/reply-schemas.ts';

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

export const liveSchema = z.strictObject({ status: z.literal('live') }).register(replySchemas, { id: 'Live' });

export const readySchema = z
  .strictObject({
    status: z.enum(['ready', 'not_ready']),
    engine: z.boolean(),
    database: z.boolean(),
    draining: z.boolean(),
  } satisfies Record<keyof Readiness | 'status', z.ZodType>)
  .register(replySchemas, { id: 'Ready' });
