import { z } from 'zod';
import { requireAddress, type Authenticate } from '../../../access/authenticate.ts';
import type { KeyStatus } from '../../../billing/key-status.ts';
import type { Caller } from '../../../core/caller.ts';
import type { Route } from '../../app.ts';
import { replySchemas, time, usd } from '../../openapi/reply-schemas.ts';

export interface KeyRouteServices {
  readonly authenticate: Authenticate;
  readonly keyStatus: (caller: Caller) => Promise<KeyStatus>;
}

/** What the calling key is, has spent, and may still spend. */
export function keyRoute({ authenticate, keyStatus }: KeyRouteServices): Route {
  return {
    method: 'GET',
    path: '/v1/key',
    async handle({ request, client }) {
      const caller = await authenticate(request.headers);
      requireAddress(caller, client.address);
      return Response.json(await keyStatus(caller));
    },
  };
}

export const keySchema = (
  z.strictObject({
    key_id: z.string(),
    name: z.string(),
    kind: z.enum(['wholesale', 'console']),
    account_id: z.string(),
    cap_usd: usd.nullable().describe('The cap of a calendar month (UTC); null without one.'),
    spent_usd: usd,
    held_usd: usd.describe('The worst case of the calls in flight.'),
    remaining_usd: usd.nullable().describe('Null without a cap.'),
    resets_at: time,
    requests_per_minute: z.int(),
    concurrency: z.int(),
    expires_at: time.nullable(),
  }) satisfies z.ZodType<KeyStatus>
).register(replySchemas, { id: 'Key' });
