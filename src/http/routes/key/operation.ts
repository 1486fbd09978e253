import { KEY_ERRORS, type Operation } from '../../openapi/operation.ts';
import { keySchema } from './route.ts';

export const keyOperation: Operation = {
  method: 'get',
  path: '/v1/key',
  id: 'getKey',
  tag: 'Account',
  summary: 'What the key has spent and may still spend',
  description: 'The key that makes the call. A rotated key and its successor share their cap.',
  who: 'key',
  replies: { 200: { description: 'The key.', content: { 'application/json': keySchema } } },
  errors: KEY_ERRORS,
};
