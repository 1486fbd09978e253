import { z } from 'zod';
import { requireAddress, type Authenticate } from '../../../access/authenticate.ts';
import { USAGE_GROUPS, type UsageQuery, type UsageReport } from '../../../billing/usage.ts';
import type { Clock } from '../../../core/clock.ts';
import { AppError } from '../../../core/errors.ts';
import type { Route } from '../../app.ts';
import { parseBody } from '../../body.ts';

export interface UsageRouteServices {
  readonly authenticate: Authenticate;
  readonly usageReport: (query: UsageQuery) => Promise<UsageReport>;
  readonly clock: Clock;
}

const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/, 'must be a date or a time with its zone in ISO 8601')
  .transform((text) => Date.parse(text))
  .refine((time) => !Number.isNaN(time), 'must be a date or a time with its zone in ISO 8601');

const usageQuery = z.strictObject({
  from: instant.optional(),
  to: instant.optional(),
  group_by: z.enum(USAGE_GROUPS, `must be one of ${USAGE_GROUPS.join(', ')}`).default('day'),
});

/** The totals of the calling key; a console key sees its account's. Without a range: this month until now. */
export function usageRoute({ authenticate, usageReport, clock }: UsageRouteServices): Route {
  return {
    method: 'GET',
    path: '/v1/usage',
    async handle({ request, client }) {
      const caller = await authenticate(request.headers);
      requireAddress(caller, client.address);
      const query = parseBody(usageQuery, Object.fromEntries(new URL(request.url).searchParams));
      const now = new Date(clock.now());
      const from = query.from ?? Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
      const to = query.to ?? now.getTime() + 1;
      if (from >= to)
        throw new AppError('invalid_parameter', {
          param: 'to',
          message: 'The parameter "to" must be later than "from".',
        });
      const keyId = caller.kind === 'console' ? null : caller.keyId;
      return Response.json(
        await usageReport({ accountId: caller.accountId, keyId, from, to, groupBy: query.group_by }),
      );
    },
  };
}
