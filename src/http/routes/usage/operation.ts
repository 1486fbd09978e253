import { KEY_ERRORS, type Operation } from '../../openapi/operation.ts';
import { usageQuery, usageReportSchema } from './route.ts';

export const usageOperation: Operation = {
  method: 'get',
  path: '/v1/usage',
  id: 'getUsage',
  tag: 'Account',
  summary: 'What was used, and what it cost',
  description: 'Totals of the key that makes the call; a console key sees its whole account.',
  who: 'key',
  query: usageQuery,
  replies: { 200: { description: 'The totals.', content: { 'application/json': usageReportSchema } } },
  errors: [...KEY_ERRORS, 'unknown_parameter'],
};
