import { z } from 'zod';
import { requireAddress, type Authenticate } from '../../../access/authenticate.ts';
import { USAGE_GROUPS, type UsageQuery, type UsageReport, type UsageTotals } from '../../../billing/usage-query.ts';
import type { Clock } from '../../../core/clock.ts';
import { AppError } from '../../../core/errors.ts';
import type { Route } from '../../app.ts';
import { parseBody } from '../../body.ts';
import { replySchemas, time, usd } from '../../openapi/reply-schemas.ts';

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

export const usageQuery = z.strictObject({
  from: instant.optional().describe('The first instant; without it, the first of this month (UTC).'),
  to: instant.optional().describe('The instant after the last; without it, now.'),
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

const totals = {
  requests: z.int().min(0),
  errors: z.int().min(0).describe('Requests with a status of 400 or above.'),
  seconds: z.number().min(0).describe('Of decoded audio.'),
  input_tokens: z.int().min(0),
  output_tokens: z.int().min(0),
  list_usd: usd,
  cost_usd: usd,
} satisfies Record<keyof UsageTotals, z.ZodType>;

export const usageReportSchema = (
  z.strictObject({
    from: time,
    to: time,
    group_by: z.enum(USAGE_GROUPS),
    data: z.array(z.strictObject({ group: z.string().describe('Empty for calls that named no model.'), ...totals })),
    total: z.strictObject(totals),
  }) satisfies z.ZodType<UsageReport>
).register(replySchemas, { id: 'UsageReport' });
