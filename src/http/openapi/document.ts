/** The OpenAPI document, made from the schemas that check requests, those of the replies, and the table of errors. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { healthOperations } from '../routes/health/operations.ts';
import { jobsOperations } from '../routes/jobs/operations.ts';
import { keyOperation } from '../routes/key/operation.ts';
import { metricsOperation } from '../routes/metrics/operation.ts';
import { modelsOperations } from '../routes/models/operations.ts';
import { runOperation } from '../routes/run/operation.ts';
import { transcriptionsOperation } from '../routes/transcriptions/operation.ts';
import { usageOperation } from '../routes/usage/operation.ts';
import {
  HEADERS,
  type Content,
  type HeaderName,
  type Operation,
  type Reply,
  type RequestBody,
  type Tag,
} from './operation.ts';
import { replySchemas } from './reply-schemas.ts';

export type JsonObject = { readonly [member: string]: unknown };

export const OPERATIONS: readonly Operation[] = [
  runOperation,
  transcriptionsOperation,
  ...jobsOperations,
  ...modelsOperations,
  keyOperation,
  usageOperation,
  ...healthOperations,
  metricsOperation,
];

export const TAGS: Readonly<Record<Tag, string>> = {
  Transcription: 'Audio in, text out.',
  Jobs: 'Calls that are answered later: made by `POST /v1/run` with `async`.',
  Account: 'What the key may do, and what it costs.',
  Server: 'For whoever runs the server.',
};

export function openApiDocument(): JsonObject {
  return {
    openapi: '3.1.1',
    info: {
      title: 'earshot',
      version: '1',
      summary: 'Speech to text.',
      description:
        'Every refusal is `{"error": {"message", "type", "code", "param", "request_id"}}`; its message says what to do. Members of replies may be added at any time: ignore those that you do not know. An address that does not exist is 404 `not_found`, a method that it does not take 405 `method_not_allowed`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that this document comes from.' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: paths(),
    components: {
      schemas: replyComponents(),
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, { description, type }]) => [name, { description, schema: { type } }]),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A key: `esw_…`, or `esc_…` where it suffices.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key in another header.' },
        operatorToken: { type: 'http', scheme: 'bearer', description: 'The token of the operator.' },
      },
    },
  };
}

function paths(): JsonObject {
  const byPath: Record<string, Record<string, JsonObject>> = {};
  for (const operation of OPERATIONS) {
    byPath[operation.path] = { ...byPath[operation.path], [operation.method]: describe(operation) };
  }
  return byPath;
}

const SECURITY: Readonly<Record<Operation['who'], readonly JsonObject[]>> = {
  key: [{ bearer: [] }, { apiKey: [] }],
  operator: [{}, { operatorToken: [] }],
  anyone: [],
};

function describe(operation: Operation): JsonObject {
  const { id, tag, summary, description, who, body, headers = [] } = operation;
  const replies = Object.entries(operation.replies).map(([status, reply]) => [status, success(reply, headers)]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    ...(operation.deprecated === true ? { deprecated: true } : {}),
    security: SECURITY[who],
    ...(operation.query || operation.pathParameters || operation.idempotent
      ? { parameters: parameters(operation) }
      : {}),
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: { ...Object.fromEntries(replies), ...refusals(operation) },
  };
}

function parameters({ pathParameters = {}, query, idempotent }: Operation): JsonObject[] {
  const { properties = {}, required = [] } = query === undefined ? {} : (inputSchema(query) as ObjectSchema);
  return [
    ...Object.entries(pathParameters).map(([name, { description, example }]) => ({
      name,
      in: 'path',
      required: true,
      description,
      schema: { type: 'string' },
      example,
    })),
    ...Object.entries(properties).map(([name, { description, ...schema }]) => ({
      name,
      in: 'query',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
    })),
    ...(idempotent === true
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            description: 'The same key and request give the first reply again for 24 hours, and charge nothing.',
            schema: { type: 'string', minLength: 1, maxLength: 255 },
          },
        ]
      : []),
  ];
}

interface ObjectSchema extends JsonObject {
  readonly properties?: Readonly<Record<string, JsonObject>>;
  readonly required?: readonly string[];
}

function requestBody({ contentType, schema, file, lists, example }: RequestBody): JsonObject {
  const read = inputSchema(schema) as ObjectSchema;
  const described = file === undefined ? read : formSchema(read, file, lists ?? new Set());
  return { required: true, content: { [contentType]: { schema: described, example: withFile(example, file) } } };
}

/** A form: the file first, lists under the names that OpenAI's clients send, and room for fields that nobody knows. */
function formSchema(
  { properties = {}, required = [], ...rest }: ObjectSchema,
  file: string,
  lists: ReadonlySet<string>,
) {
  const { additionalProperties: _, ...schema } = rest;
  return {
    ...schema,
    properties: {
      [file]: { type: 'string', contentMediaType: 'application/octet-stream', description: 'The audio.' },
      ...Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [lists.has(name) ? `${name}[]` : name, field]),
      ),
    },
    required: [file, ...required],
  };
}

function withFile(example: JsonObject, file: string | undefined): JsonObject {
  return file === undefined ? example : { [file]: '(binary)', ...example };
}

function success({ description, headers = [], content }: Reply, always: readonly HeaderName[]): JsonObject {
  return {
    description,
    headers: headerReferences(['x-request-id', ...always, ...headers]),
    content: Object.fromEntries(
      Object.entries(content).map(([type, schema]) => [type, { schema: contentSchema(schema) }]),
    ),
  };
}

/** One response for each status, which says which codes it may have. */
function refusals({ errors, headers = [] }: Operation): JsonObject {
  const statuses = [...new Set(errors.map((code) => ERRORS[code].status))].toSorted((one, other) => one - other);
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = Object.keys(ERRORS).filter(
        (code): code is ErrorCode => errors.includes(code as ErrorCode) && ERRORS[code as ErrorCode].status === status,
      );
      const canWait = codes.some((code) => 'retryAfterSeconds' in ERRORS[code]);
      const names: HeaderName[] = [
        'x-request-id',
        // Who the caller is must be known before its limits are.
        ...(status === 401 ? [] : headers),
        ...(canWait ? (['retry-after'] as const) : []),
        ...(status === 401 ? (['www-authenticate'] as const) : []),
      ];
      const narrowed = { properties: { error: { properties: { code: { enum: codes } } } } };
      return [
        String(status),
        {
          description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join('\n\n'),
          headers: headerReferences(names),
          content: { 'application/json': { schema: { allOf: [reference('Error'), narrowed] } } },
        },
      ];
    }),
  );
}

function headerReferences(names: readonly HeaderName[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function reference(id: string): JsonObject {
  return { $ref: `#/components/schemas/${id}` };
}

/** What a caller may send. */
function inputSchema(schema: z.ZodType): JsonObject {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json;
}

function contentSchema(schema: Content): JsonObject {
  if ('plain' in schema) return schema.plain;
  if ('events' in schema) {
    return {
      type: 'string',
      description: 'Server-sent events. The data of each is one of these.',
      contentMediaType: 'application/json',
      contentSchema: { anyOf: schema.events.map(outputSchema) },
    };
  }
  return outputSchema(schema);
}

/** What a caller gets: a reference, or the union of some. */
function outputSchema(schema: z.ZodType): JsonObject {
  const id = replySchemas.get(schema)?.id;
  if (id !== undefined) return reference(id);
  if (!(schema instanceof z.ZodUnion)) throw new Error('A reply has a name in the document, or is a union of such.');
  return { anyOf: schema.options.map((option) => outputSchema(option as z.ZodType)) };
}

function replyComponents(): JsonObject {
  const { schemas } = z.toJSONSchema(replySchemas, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, open(schema)]),
  );
}

/** Members may be added to replies later, so that the document forbids none. */
function open(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(open);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, member]) => !(name === 'additionalProperties' && member === false))
      .map(([name, member]) => [name, open(member)]),
  );
}
