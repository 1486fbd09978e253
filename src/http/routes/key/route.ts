import { requireAddress, type Authenticate } from '../../../access/authenticate.ts';
import type { KeyStatus } from '../../../billing/key-status.ts';
import type { Caller } from '../../../core/caller.ts';
import type { Route } from '../../app.ts';

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
