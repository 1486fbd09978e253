/** Z.ai's transcription API, as its documents describe it; see `fixtures/vendors/zai.json`. */
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

export interface FakeZaiOptions {
  readonly apiKey?: string;
  /** Requests that the account may have in flight. */
  readonly inFlightMax?: number;
  /** What is said in the samples. */
  readonly text: (samples: Int16Array) => string | Promise<string>;
}

export interface FakeZai extends FakeVendor {
  readonly baseUrl: string;
  /** The fields of each request but the file. */
  readonly fields: readonly Readonly<Record<string, string>>[];
}

export const ZAI_SHAPES = vendorShapes<{
  readonly success: Readonly<Record<string, unknown>>;
  readonly errors: readonly RecordedError[];
}>('zai');

/** The recorded refusal with this code. */
export function zaiError(code: string): Answer {
  const found = ZAI_SHAPES.errors.find(({ status, body }) => status !== 200 && codeOf(body) === code);
  if (found === undefined) throw new Error(`fixtures/vendors/zai.json has no error ${code}`);
  return { status: found.status, body: found.body };
}

const FILE_BYTES_MAX = 25 * 2 ** 20;
const SECONDS_MAX = 30;

export async function startFakeZai({
  apiKey = 'test-id.test-secret',
  inFlightMax = 5,
  text,
}: FakeZaiOptions): Promise<FakeZai> {
  const seen = new Set<string>();
  const fields: Record<string, string>[] = [];

  async function answer(request: VendorRequest): Promise<Answer> {
    if (request.headers.authorization === undefined) return zaiError('1001');
    if (request.headers.authorization !== `Bearer ${apiKey}`) return zaiError('1002');
    if (request.path !== '/api/paas/v4/audio/transcriptions') return zaiError('1222');
    if (request.inFlight > inFlightMax) return zaiError('1302');
    const form = await readForm(request);
    if (form === null) return zaiError('1210');
    const given = Object.fromEntries(
      [...form].filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
    fields.push(given);
    const refusal = refuseFields(given, seen);
    if (refusal !== null) return zaiError(refusal);
    const file = form.get('file');
    if (!(file instanceof Blob)) return zaiError('1213');
    const samples = file.size > FILE_BYTES_MAX ? null : readWav(Buffer.from(await file.arrayBuffer()));
    if (samples === null || samples.length > SECONDS_MAX * 16_000) return zaiError('1214');
    const { success } = ZAI_SHAPES;
    const requestId = given['request_id'] ?? success['request_id'];
    return { status: 200, body: { ...success, request_id: requestId, text: await text(samples) } };
  }

  const vendor = await startFakeVendor(answer);
  return Object.assign(vendor, { baseUrl: `${vendor.origin}/api/paas/v4`, fields });
}

/** The code of the refusal, or null. */
function refuseFields(given: Readonly<Record<string, string>>, seen: Set<string>): string | null {
  const known = ['model', 'prompt', 'hotwords', 'stream', 'request_id', 'user_id'];
  if (Object.keys(given).some((field) => !known.includes(field))) return '1210';
  if (given['model'] !== 'glm-asr-2512') return '1211';
  const { prompt = '', hotwords = '[]', stream = 'false', request_id: requestId, user_id: userId } = given;
  const words: unknown = JSON.parse(hotwords);
  const wordsAreRight = Array.isArray(words) && words.length <= 100 && words.every((word) => typeof word === 'string');
  if (prompt.length >= 8_000 || stream !== 'false' || !wordsAreRight) return '1214';
  if (userId !== undefined && (userId.length < 6 || userId.length > 128)) return '1214';
  if (requestId === undefined) return null;
  if (requestId.length < 6 || requestId.length > 64) return '1214';
  if (seen.has(requestId)) return '1231';
  seen.add(requestId);
  return null;
}

function codeOf(body: unknown): string {
  const { error } = body as { error?: { code?: string | number } };
  return String(error?.code);
}
