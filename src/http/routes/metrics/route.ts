import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../../core/errors.ts';
import type { Route } from '../../app.ts';
import type { Metrics } from '../../metrics.ts';

/** Open on loopback, and elsewhere with the operator's token as bearer. */
export function metricsRoute(metrics: Metrics, operatorToken: string | null): Route {
  return {
    method: 'GET',
    path: '/metrics',
    async handle({ client, request }) {
      if (!client.loopback) checkToken(request.headers.get('authorization'), operatorToken);
      const { text, contentType } = await metrics.expose();
      return new Response(text, { headers: { 'content-type': contentType } });
    },
  };
}

function checkToken(authorization: string | null, operatorToken: string | null): void {
  if (authorization === null)
    throw new AppError('missing_authorization', {
      message: 'Send the operator token as `Authorization: Bearer TOKEN`.',
    });
  if (operatorToken === null || !same(authorization.replace(/^bearer +/i, ''), operatorToken)) {
    throw new AppError('invalid_api_key', { message: 'The operator token is not right.' });
  }
}

function same(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
