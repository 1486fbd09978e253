/** The one way to the server: JSON, errors as values of their own, and a session that may end at any moment. */
import { askToLogIn } from './session.ts';

/** What the server said instead of doing it. `message` says what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly requestId: string | null;

  constructor(status: number, body: ErrorBody | null) {
    super(body?.message ?? `The server answered ${status}. Try again in a moment.`);
    this.status = status;
    this.code = body?.code ?? 'unreadable';
    this.param = body?.param ?? null;
    this.requestId = body?.request_id ?? null;
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

export function get<Reply>(path: string, query: Asked = {}, signal?: AbortSignal): Promise<Reply> {
  return send<Reply>(addressOf(path, query), signal === undefined ? {} : { signal });
}

export function post<Reply>(path: string, body: unknown = {}): Promise<Reply> {
  return send<Reply>(addressOf(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export function postForm<Reply>(path: string, form: FormData, signal: AbortSignal): Promise<Reply> {
  return send<Reply>(addressOf(path), { method: 'POST', body: form, signal });
}

/** Logging in itself has nobody to ask for a log-in. */
export function postAlone<Reply>(path: string, body: unknown): Promise<Reply> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return sendOnce<Reply>(addressOf(path), init);
}

/** A call that finds the session ended waits for the log-in over the page, and then is sent once more: nothing is lost. */
async function send<Reply>(address: string, init: RequestInit): Promise<Reply> {
  for (;;) {
    try {
      return await sendOnce<Reply>(address, init);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'session_required') throw error;
      await askToLogIn();
    }
  }
}

async function sendOnce<Reply>(address: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(address, { credentials: 'same-origin', ...init }).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, {
      message: 'The server cannot be reached. Check that it runs and that you are online, then try again.',
      code: 'unreachable',
      param: null,
      request_id: '',
    });
  });
  if (response.ok) return (await response.json()) as Reply;
  const body = (await response.json().catch(() => null)) as { error?: ErrorBody } | null;
  throw new ApiError(response.status, body?.error ?? null);
}
