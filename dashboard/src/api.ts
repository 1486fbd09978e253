/** The one way to the server: JSON, errors as values of their own, and a session that may end at any moment. */
import { attentionHeaders } from './attention.ts';
import { askToLogIn } from './session.ts';

/** What the server said instead of doing it. `message` says what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, body: ErrorBody | null, retryAfter: string | null = null) {
    super(body?.message ?? `The server answered ${status}. Try again in a moment.`);
    this.status = status;
    this.code = body?.code ?? 'unreadable';
    this.param = body?.param ?? null;
    this.requestId = body?.request_id ?? null;
    this.retryAfterSeconds = retryAfter === null ? null : Number(retryAfter);
  }
}

interface ErrorBody {
  readonly message: string;
  readonly code: string;
  readonly param: string | null;
  readonly request_id: string;
}

export type Asked = Readonly<Record<string, string | number | null | undefined>>;

export function addressOf(path: string, query: Asked = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') words.set(name, String(value));
  }
  const text = words.toString();
  return `/api${path}${text === '' ? '' : `?${text}`}`;
}

export async function get<Reply>(path: string, query: Asked = {}, signal?: AbortSignal): Promise<Reply> {
  const headers = attentionHeaders();
  return readJson(await send(addressOf(path, query), { headers, ...(signal === undefined ? {} : { signal }) }));
}

/** A file to keep, with the name that the server gives it. */
export async function getFile(path: string, query: Asked): Promise<{ name: string; blob: Blob }> {
  const response = await send(addressOf(path, query), {});
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'earshot.csv';
  return { name, blob: await response.blob() };
}

export async function post<Reply>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<Reply> {
  return readJson(await send(addressOf(path), { ...jsonOf(body), ...(signal === undefined ? {} : { signal }) }));
}

export async function postForm<Reply>(path: string, form: FormData, signal: AbortSignal): Promise<Reply> {
  return readJson(await send(addressOf(path), { method: 'POST', body: form, signal }));
}

const jsonOf = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function readJson<Reply>(response: Response): Promise<Reply> {
  return (await response.json()) as Reply;
}

/** Logging in itself has nobody to ask for a log-in. */
export async function postAlone<Reply>(path: string, body: unknown): Promise<Reply> {
  return readJson(await sendOnce(addressOf(path), jsonOf(body)));
}

/** A call that finds the session ended waits for the log-in over the page, and then is sent once more: nothing is lost. */
async function send(address: string, init: RequestInit): Promise<Response> {
  for (;;) {
    try {
      return await sendOnce(address, init);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'session_required') throw error;
      await askToLogIn();
    }
  }
}

async function sendOnce(address: string, init: RequestInit): Promise<Response> {
  const response = await fetch(address, { credentials: 'same-origin', ...init }).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, {
      message: 'The server cannot be reached. Check that it runs and that you are online, then try again.',
      code: 'unreachable',
      param: null,
      request_id: '',
    });
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as { error?: ErrorBody } | null;
  throw new ApiError(response.status, body?.error ?? null, response.headers.get('retry-after'));
}
