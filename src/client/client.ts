/** The client of an earshot server: web standards only, no dependencies, the same in Node, browsers and other runtimes. */
import { formBody } from './form-body.ts';
import type {
  AcceptedJob,
  Job,
  JobList,
  JobRequest,
  JobStatus,
  KeyStatus,
  Model,
  ModelList,
  RunReply,
  RunRequest,
  UploadFormat,
  UploadReply,
  UploadRequest,
  UsageQuery,
  UsageReport,
} from './replies.ts';
import {
  createIdempotencyKey,
  orNetworkError,
  random,
  send,
  sendForJson,
  sleep,
  type Outgoing,
  type Transport,
} from './send.ts';
import { transcriptionStream, type TranscriptionStream } from './transcription-stream.ts';

export { EarshotError, type ErrorBody } from './earshot-error.ts';
export type * from './replies.ts';
export type { TranscriptionStream } from './transcription-stream.ts';

export interface EarshotOptions {
  /** Where the server is, such as `https://speech.example.com`. */
  readonly baseUrl: string;
  readonly key: string;
  /** Second tries of one call; default 2, 0 for none. */
  readonly retries?: number;
  /** Instead of the platform's: for tests, proxies, other time limits. */
  readonly fetch?: typeof globalThis.fetch;
  /** Gives numbers from 0 to 1, for the jitter of waits. */
  readonly random?: () => number;
  /** Waits; rejects with the signal's reason after an abort. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface CallOptions {
  /** Ends the call, its waits and second tries included; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface PaidCallOptions extends CallOptions {
  /** The same key and request give the first reply again, and are charged once. Default: a new one for each call. */
  readonly idempotencyKey?: string;
}

export interface JobListQuery {
  readonly limit?: number;
  /** The last id of the page before. */
  readonly after?: string;
  readonly status?: JobStatus;
}

export interface JobWaitOptions extends CallOptions {
  /** Told of the job each time that it was looked at. */
  readonly onLook?: (job: Job) => void;
}

const RETRIES = 2;
const POLL_MS = 500;
const POLL_MS_MAX = 10_000;

export class Earshot {
  readonly #transport: Transport;
  readonly jobs: JobCalls;
  readonly models: ModelCalls;

  constructor(options: EarshotOptions) {
    this.#transport = {
      baseUrl: options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, ''),
      key: options.key,
      fetch: options.fetch ?? ((...call) => globalThis.fetch(...call)),
      retries: options.retries ?? RETRIES,
      random: options.random ?? random,
      sleep: options.sleep ?? sleep,
    };
    this.jobs = new JobCalls(this.#transport);
    this.models = new ModelCalls(this.#transport);
  }

  /** Transcribes the audio at a URL: `POST /v1/run`. */
  run(request: RunRequest, options: PaidCallOptions = {}): Promise<RunReply> {
    return sendForJson(this.#transport, runCall(request, options));
  }

  /** Transcribes a file: `POST /v1/audio/transcriptions`. Text and subtitles come as a string, the JSON formats as an object. */
  async upload<Format extends UploadFormat = 'json'>(
    { response_format: format, ...request }: UploadRequest & { readonly response_format?: Format },
    options: PaidCallOptions = {},
  ): Promise<UploadReply<Format>> {
    const outgoing = uploadCall(request, [['response_format', format ?? 'json']], options);
    if (format === undefined || format === 'json' || format === 'verbose_json')
      return sendForJson(this.#transport, outgoing);
    const text = (response: Response): Promise<string> => orNetworkError(options.signal, () => response.text());
    return (await send(this.#transport, outgoing, text)) as UploadReply<Format>;
  }

  /** Like `upload`, with the text as it comes. What fails once text has come is not tried again. */
  stream(request: UploadRequest, options: PaidCallOptions = {}): Promise<TranscriptionStream> {
    const outgoing = uploadCall(request, [['stream', 'true']], options);
    return send(this.#transport, outgoing, async (response) => transcriptionStream(response, options.signal));
  }

  /** What the key is, has spent and may still spend: `GET /v1/key`. */
  key({ signal }: CallOptions = {}): Promise<KeyStatus> {
    return sendForJson(this.#transport, { method: 'GET', path: '/v1/key', signal });
  }

  /** `GET /v1/usage`; without a range, this month until now. */
  usage({ from, to, group_by }: UsageQuery = {}, { signal }: CallOptions = {}): Promise<UsageReport> {
    return sendForJson(this.#transport, { method: 'GET', path: '/v1/usage', query: { from, to, group_by }, signal });
  }
}

class JobCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Like `run`, answered at once; the text comes later. */
  create(request: JobRequest, options: PaidCallOptions = {}): Promise<AcceptedJob> {
    return sendForJson(this.#transport, runCall({ ...request, async: true }, options));
  }

  get(jobId: string, { signal }: CallOptions = {}): Promise<Job> {
    return sendForJson(this.#transport, { method: 'GET', path: pathOf(jobId), signal });
  }

  list({ limit, after, status }: JobListQuery = {}, { signal }: CallOptions = {}): Promise<JobList> {
    return sendForJson(this.#transport, { method: 'GET', path: '/v1/jobs', query: { limit, after, status }, signal });
  }

  /** Throws `job_not_cancelable` once it has ended. */
  cancel(jobId: string, { signal }: CallOptions = {}): Promise<Job> {
    return sendForJson(this.#transport, { method: 'DELETE', path: pathOf(jobId), signal });
  }

  /** Looks, less and less often, until the job has ended in any way: `status` says in which. */
  async wait(jobId: string, { signal, onLook }: JobWaitOptions = {}): Promise<Job> {
    for (let pauseMs = POLL_MS; ; pauseMs = Math.min(pauseMs * 1.5, POLL_MS_MAX)) {
      const job = await this.get(jobId, signal === undefined ? {} : { signal });
      onLook?.(job);
      if (job.status !== 'queued' && job.status !== 'running') return job;
      await this.#transport.sleep(pauseMs * (1 + this.#transport.random() / 4), signal);
    }
  }
}

class ModelCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list({ signal }: CallOptions = {}): Promise<ModelList> {
    return sendForJson(this.#transport, { method: 'GET', path: '/v1/models', signal });
  }

  get(modelId: string, { signal }: CallOptions = {}): Promise<Model> {
    return sendForJson(this.#transport, { method: 'GET', path: `/v1/models/${encodeURIComponent(modelId)}`, signal });
  }
}

function runCall(body: object, { signal, idempotencyKey = createIdempotencyKey() }: PaidCallOptions): Outgoing {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', path: '/v1/run', headers, body: JSON.stringify(body), idempotencyKey, signal };
}

function uploadCall(
  request: UploadRequest,
  more: Parameters<typeof formBody>[1],
  { signal, idempotencyKey = createIdempotencyKey() }: PaidCallOptions,
): Outgoing {
  return { method: 'POST', path: '/v1/audio/transcriptions', ...formBody(request, more), idempotencyKey, signal };
}

function pathOf(jobId: string): string {
  return `/v1/jobs/${encodeURIComponent(jobId)}`;
}
