/** vLLM and SGLang behind both of their doors, as their source describes them; see `fixtures/vendors`. */
import {
  readForm,
  readWav,
  startFakeVendor,
  vendorShapes,
  type Answer,
  type FakeVendor,
  type RecordedError,
  type VendorRequest,
} from './fake-vendor.ts';

export interface FakeOpenAiOptions {
  readonly server?: 'vllm' | 'sglang';
  /** Undefined for a server that wants none. */
  readonly apiKey?: string;
  readonly model?: string;
  /** What is said in the samples. */
  readonly text: (samples: Int16Array) => string | Promise<string>;
}

export interface FakeOpenAi extends FakeVendor {
  readonly baseUrl: string;
}

interface Completion {
  readonly choices: readonly Readonly<Record<string, unknown>>[];
  readonly usage: Readonly<Record<string, number | null>>;
}

interface Shapes {
  readonly transcription: Readonly<Record<string, unknown>>;
  readonly completion: Readonly<Record<string, unknown>> & Completion;
  readonly errors: readonly RecordedError[];
}

export const OPENAI_SHAPES = { vllm: vendorShapes<Shapes>('vllm'), sglang: vendorShapes<Shapes>('sglang') };

export async function startFakeOpenAi(options: FakeOpenAiOptions): Promise<FakeOpenAi> {
  const { server = 'vllm', apiKey, model = 'zai-org/GLM-ASR-Nano-2512', text } = options;
  const shapes = OPENAI_SHAPES[server];

  function refusal(status: number): Answer {
    const found = shapes.errors.find((error) => error.status === status);
    return found === undefined ? { status, body: { detail: 'Refused' } } : { status, body: found.body };
  }

  async function transcription(request: VendorRequest): Promise<Answer> {
    const form = await readForm(request);
    const file = form?.get('file');
    if (!(file instanceof Blob)) return refusal(422);
    if (form?.get('model') !== model) return refusal(404);
    const samples = readWav(Buffer.from(await file.arrayBuffer()));
    if (samples === null || form.get('temperature') !== '0') return refusal(400);
    return { status: 200, body: { ...shapes.transcription, text: await text(samples) } };
  }

  async function completion(request: VendorRequest): Promise<Answer> {
    const asked = JSON.parse(request.body.toString('utf8')) as {
      model: string;
      max_tokens: number;
      messages: { content: { type: string; input_audio?: { data: string; format: string } }[] }[];
    };
    if (asked.model !== model) return refusal(404);
    const audio = asked.messages[0]?.content.find(({ type }) => type === 'input_audio')?.input_audio;
    const samples = audio?.format === 'wav' ? readWav(Buffer.from(audio.data, 'base64')) : null;
    if (samples === null || !(asked.max_tokens >= 1)) return refusal(400);
    return { status: 200, body: completed(shapes.completion, await text(samples), asked.max_tokens) };
  }

  async function answer(request: VendorRequest): Promise<Answer> {
    if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) return refusal(401);
    if (request.path === '/v1/audio/transcriptions') return transcription(request);
    if (request.path === '/v1/chat/completions') return completion(request);
    return { status: 404, body: { detail: 'Not Found' } };
  }

  const vendor = await startFakeVendor(answer);
  return Object.assign(vendor, { baseUrl: `${vendor.origin}/v1` });
}

/** A word counts as a token here, and the end as one more where there is room for it. */
function completed(shape: Shapes['completion'], whole: string, tokensMax: number): unknown {
  const words = whole.match(/\S+/g) ?? [];
  const [choice] = shape.choices;
  const message = { ...(choice?.['message'] as object), content: words.slice(0, tokensMax).join(' ') };
  const cut = words.length >= tokensMax;
  return {
    ...shape,
    choices: [{ ...choice, message, finish_reason: cut ? 'length' : 'stop' }],
    usage: { ...shape.usage, completion_tokens: cut ? tokensMax : words.length + 1 },
  };
}
