import type { Operation } from '../../openapi/operation.ts';
import { liveSchema, readySchema } from './routes.ts';

export const healthOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/health/live',
    id: 'live',
    tag: 'Server',
    summary: 'Whether the process answers',
    description: 'For restarts.',
    who: 'anyone',
    replies: { 200: { description: 'It does.', content: { 'application/json': liveSchema } } },
    errors: [],
  },
  {
    method: 'get',
    path: '/health/ready',
    id: 'ready',
    tag: 'Server',
    summary: 'Whether calls can be sent here',
    description: 'For load balancers: an engine is ready, the database can be written, and no shutdown has begun.',
    who: 'anyone',
    replies: {
      200: { description: 'They can.', content: { 'application/json': readySchema } },
      503: { description: 'They cannot; the body says why.', content: { 'application/json': readySchema } },
    },
    errors: [],
  },
];
