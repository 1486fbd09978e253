import type { Operation } from '../../openapi/operation.ts';

export const metricsOperation: Operation = {
  method: 'get',
  path: '/metrics',
  id: 'getMetrics',
  tag: 'Server',
  summary: 'Figures for Prometheus',
  description: 'Open on a loopback address, and elsewhere with the token of the operator.',
  who: 'operator',
  replies: {
    200: { description: 'The exposition format.', content: { 'text/plain': { plain: { type: 'string' } } } },
  },
  errors: ['missing_authorization', 'invalid_api_key', 'internal_error'],
};
