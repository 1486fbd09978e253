import { KEY_ERRORS, type Operation } from '../../openapi/operation.ts';
import { modelListSchema, modelSchema } from './route.ts';

export const modelsOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/models',
    id: 'listModels',
    tag: 'Account',
    summary: 'The models, and what they cost you',
    description: 'Those that the key may use.',
    who: 'key',
    replies: { 200: { description: 'The models.', content: { 'application/json': modelListSchema } } },
    errors: KEY_ERRORS,
  },
  {
    method: 'get',
    path: '/v1/models/{id}',
    id: 'getModel',
    tag: 'Account',
    summary: 'One model',
    description: 'The slash in its id may be written as it is or as `%2F`.',
    who: 'key',
    pathParameters: { id: { description: 'The id of the model.', example: 'glm/glm-asr-2512' } },
    replies: { 200: { description: 'The model.', content: { 'application/json': modelSchema } } },
    errors: [...KEY_ERRORS, 'model_not_found'],
  },
];
