/** What this server offers, in OpenAI's list shape, and what it costs the caller. */
import { z } from 'zod';
import { requireAddress, type Authenticate } from '../../../access/authenticate.ts';
import type { Quote } from '../../../billing/quote.ts';
import type { Caller } from '../../../core/caller.ts';
import { AppError } from '../../../core/errors.ts';
import type { Engine } from '../../../engines/contract.ts';
import type { ModelConfig, Registry } from '../../../engines/registry.ts';
import type { HttpCall, Route } from '../../app.ts';
import { replySchemas, usd } from '../../openapi/reply-schemas.ts';

export interface ModelsRouteServices {
  readonly authenticate: Authenticate;
  readonly registry: Pick<Registry, 'list' | 'enginesOf'>;
  readonly quote: (caller: Caller, model: ModelConfig) => Promise<Quote | null>;
  readonly limits: { readonly audioSecondsMax: number; readonly fileBytesMax: number };
}

const TYPE = 'speech-to-text';
const PATH = '/v1/models/';

export function modelsRoutes({ authenticate, registry, quote, limits }: ModelsRouteServices): Route[] {
  async function authenticated({ request, client }: HttpCall): Promise<Caller> {
    const caller = await authenticate(request.headers);
    requireAddress(caller, client.address);
    return caller;
  }

  const entry = async (caller: Caller, model: ModelConfig): Promise<z.infer<typeof modelSchema>> => ({
    id: model.id,
    object: 'model',
    // Nobody trains models here: the time of their making is not known.
    created: 0,
    owned_by: model.id.split('/')[0] ?? '',
    type: TYPE,
    engines: registry.enginesOf(model.id).map(({ id }) => id),
    loaded: registry.enginesOf(model.id).flatMap(loadedBy),
    pricing: await quote(caller, model),
    limits: { audio_seconds: limits.audioSecondsMax, file_bytes: limits.fileBytesMax },
  });

  return [
    {
      method: 'GET',
      path: '/v1/models',
      async handle(call) {
        const caller = await authenticated(call);
        const data = await Promise.all(visibleTo(caller, registry).map((model) => entry(caller, model)));
        return Response.json({ object: 'list', data, count: data.length, available_types: [TYPE] });
      },
    },
    {
      method: 'GET',
      // Ids hold a slash, which a client may have written as it is or encoded.
      path: '/v1/models/*',
      async handle(call) {
        const caller = await authenticated(call);
        const id = decoded(new URL(call.request.url).pathname.slice(PATH.length));
        const model = visibleTo(caller, registry).find((candidate) => candidate.id === id);
        if (model === undefined) throw new AppError('model_not_found', { param: 'model' });
        return Response.json(await entry(caller, model));
      },
    },
  ];
}

function loadedBy(engine: Pick<Engine, 'id' | 'describe'>): z.infer<typeof loadedSchema>[] {
  const description = engine.describe?.() ?? null;
  if (description === null) return [];
  const { model, quantization, weightBytes, residentBytes } = description;
  return [{ engine: engine.id, model, quantization, weight_bytes: weightBytes, resident_bytes: residentBytes }];
}

function visibleTo({ allowedModels }: Caller, registry: Pick<Registry, 'list'>): readonly ModelConfig[] {
  return registry.list().filter(({ id }) => allowedModels === null || allowedModels.includes(id));
}

/** Empty, and so nobody's id, where the encoding is broken. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

const price = z
  .union([
    z.strictObject({ input_usd_per_1m: usd, output_usd_per_1m: usd }),
    z.strictObject({ usd_per_second: usd }).describe('Of decoded audio, to the millisecond.'),
  ])
  .register(replySchemas, { id: 'Price' });

const loadedSchema = z.strictObject({
  engine: z.string(),
  model: z.string(),
  quantization: z.string().describe('In words, such as `encoder int8, decoder int4, head int8`.'),
  weight_bytes: z.int().describe('Of the files.'),
  resident_bytes: z
    .int()
    .nullable()
    .describe('The most memory that one of its processes was seen to hold; null before its first piece.'),
});

export const modelSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
    type: z.literal(TYPE),
    engines: z.array(z.string()).describe('The engines that may answer, in order.'),
    loaded: z.array(loadedSchema).describe('The weights that engines of this server hold in memory.'),
    pricing: (
      z.strictObject({
        list: price,
        discount_bps: z.int().describe('Of the next call, in basis points.'),
        yours: price,
        usd_per_minute_of_audio: usd.describe('At the price of the caller, output tokens left out.'),
      }) satisfies z.ZodType<Quote>
    )
      .nullable()
      .describe('Null for a model without a price.'),
    limits: z.strictObject({ audio_seconds: z.number(), file_bytes: z.int() }),
  })
  .register(replySchemas, { id: 'Model' });

export const modelListSchema = z
  .strictObject({
    object: z.literal('list'),
    data: z.array(modelSchema),
    count: z.int().min(0),
    available_types: z.array(z.literal(TYPE)),
  })
  .register(replySchemas, { id: 'ModelList' });
