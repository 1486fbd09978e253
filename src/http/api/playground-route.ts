/**
 * A call of a key that is named instead of shown: for people who have logged in and may spend what the key may. It is
 * admitted, held, capped, charged and recorded as every call of that key.
 */

import { SAMPLE_RATE_HZ, type Piece } from '../../core/pcm.ts';
import { AppError } from '../../core/errors.ts';
import { formatUsd } from '../../core/money.ts';
import { render } from '../../recognize/render/render.ts';
import { transcribe } from '../../transcribe/transcribe.ts';
import type { OpenAudio, ReceiveAudio, Services, Transcription } from '../../transcribe/transcribe.ts';
import type { Route } from '../app.ts';
import { parseBody } from '../body.ts';
import type { Calls } from '../calls.ts';
import type { FormField } from '../form.ts';
import type { Metrics } from '../metrics.ts';
import { renderRunReply } from '../routes/run/reply.ts';
import { setRateLimitHeaders } from '../rate-limit-headers.ts';
import { playgroundRequest, type PlaygroundReply, type PlaygroundRequest } from './contract.ts';
import { accountOf, bodyOf, CHANGERS, formOf, type ApiCall } from './guard.ts';
import { loudestMoments } from './loudest-moments.ts';
import { playable } from './playable.ts';
import type { ApiServices } from './api-services.ts';

export interface PlaygroundServices extends Pick<ApiServices, 'guard' | 'reports'> {
  readonly transcription: Services;
  readonly receive: ReceiveAudio;
  readonly calls: Calls;
  readonly metrics: Metrics;
  /** The time limit of a whole call. */
  readonly callMsMax: number;
}

export function playgroundRoute(services: PlaygroundServices): Route {
  return services.guard.route('POST', '/api/playground', CHANGERS, async (call) => {
    using running = services.calls.begin(call.disconnected, services.callMsMax);
    const uploads: OpenAudio[] = [];
    try {
      const { request, upload } = await readRequest(call, services.receive, uploads, running.signal);
      const key = await services.reports.findKey(accountOf(call, undefined), request.key_id);
      return await run(call, services, { ...request, key_id: key.key_id }, upload, running.signal);
    } finally {
      for (const upload of uploads) await upload[Symbol.asyncDispose]();
    }
  });
}

interface Heard {
  pieces: readonly Piece[];
  peaks: readonly number[] | null;
  wav: string | null;
}

async function run(
  call: ApiCall,
  services: PlaygroundServices,
  request: PlaygroundRequest,
  upload: OpenAudio | null,
  signal: AbortSignal,
): Promise<PlaygroundReply> {
  const { transcription, reports, metrics } = services;
  const startedAt = reports.now();
  const heard: Heard = { pieces: [], peaks: null, wav: null };
  const done = await transcribe(
    {
      requestId: call.requestId,
      headers: call.request.headers,
      clientAddress: call.client.address,
      signal,
      onRateLimit: (limit) => setRateLimitHeaders(call.answerHeaders, limit),
      readRequest: () => Promise.resolve(toTranscribeRequest(request, upload)),
      render: renderRunReply,
      defer: () => Promise.reject(new Error('The playground is never answered later.')),
    },
    listening(
      { ...transcription, authenticate: () => transcription.findCaller(request.key_id) },
      { heard, isByUrl: upload === null, signal },
    ),
  );
  if (done.kind !== 'transcription') throw new Error('The playground sends no idempotency key and waits.');
  metrics.audio(done.call.model, done.usage.durationMs / 1000);
  Object.assign(call.facts, { key_id: done.call.keyId, model: done.call.model, engine: done.transcript.engine });
  return toReply(done, heard, reports.now() - startedAt);
}

/** Notes on their way what the screen draws and plays: the pieces of speech, how loud the recording is, and its sound. */
function listening(
  services: Services,
  { heard, isByUrl, signal }: { readonly heard: Heard; readonly isByUrl: boolean; readonly signal: AbortSignal },
): Services {
  return {
    ...services,
    decoder: {
      ...services.decoder,
      async decode(source, aborted) {
        const recording = await services.decoder.decode(source, aborted);
        heard.peaks = await orNull(loudestMoments(recording, signal));
        if (isByUrl) heard.wav = await orNull(playable(recording));
        return recording;
      },
    },
    recognizer: {
      ...services.recognizer,
      enter(keyId, pieces) {
        heard.pieces = pieces;
        return services.recognizer.enter(keyId, pieces);
      },
    },
  };
}

/** Neither a drawing nor its sound is worth a call: without them the recording is transcribed all the same. */
function orNull<T>(made: Promise<T>): Promise<T | null> {
  return made.catch(() => null);
}

async function readRequest(
  call: ApiCall,
  receive: ReceiveAudio,
  uploads: OpenAudio[],
  signal: AbortSignal,
): Promise<{ request: PlaygroundRequest; upload: OpenAudio | null }> {
  const isForm = /^multipart\/form-data\s*(;|$)/i.test(call.request.headers.get('content-type') ?? '');
  if (!isForm) {
    const request = await bodyOf(call, playgroundRequest);
    requireOneSource(request, null);
    return { request, upload: null };
  }
  const { fields, file } = await formOf(call, {
    fileName: 'file',
    signal,
    async receive(chunks) {
      const upload = await receive(chunks, signal);
      uploads.push(upload);
      return upload;
    },
  });
  const request = parseBody(playgroundRequest, toMembers(fields));
  requireOneSource(request, file);
  return { request, upload: file };
}

function requireOneSource({ audio_url: url }: PlaygroundRequest, file: OpenAudio | null): void {
  if ((url === undefined) !== (file === null)) return;
  throw new AppError('invalid_parameter', {
    param: file === null ? 'audio_url' : 'file',
    message: 'Send either a file or the URL of one.',
  });
}

function toMembers(fields: readonly FormField[]): Record<string, string | string[]> {
  const members: Record<string, string | string[]> = {};
  for (const { name: written, value } of fields) {
    const name = written.replace(/\[\]$/, '');
    if (name !== 'hotwords') members[name] = value;
    else members[name] = [...((members[name] as string[] | undefined) ?? []), value];
  }
  return members;
}

function toTranscribeRequest(request: PlaygroundRequest, upload: OpenAudio | null) {
  const { model, audio_url: url = '', language, prompt, hotwords } = request;
  return {
    model,
    audio: upload === null ? ({ kind: 'url', url } as const) : ({ kind: 'upload', audio: upload } as const),
    hints: {
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined || prompt === '' ? {} : { prompt }),
      ...(hotwords === undefined || hotwords.length === 0 ? {} : { hotwords }),
    },
    timestamps: true,
    warnings: [],
    clientRequestId: null,
    userId: null,
    idempotency: null,
    later: null,
  };
}

function toReply(done: Transcription, { pieces, peaks, wav }: Heard, tookMs: number): PlaygroundReply {
  const { call, transcript, usage, receipt } = done;
  const rendering = { transcript, durationSeconds: usage.durationMs / 1000, language: null, members: {} };
  return {
    request_id: call.requestId,
    model: call.model,
    engine: transcript.engine,
    engines: transcript.engines,
    text: transcript.text,
    segments: transcript.segments ?? [],
    pieces: pieces.map(({ start, end }) => ({ start: start / SAMPLE_RATE_HZ, end: end / SAMPLE_RATE_HZ })),
    peaks,
    wav,
    duration_seconds: usage.durationMs / 1000,
    took_ms: tookMs,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    estimated: usage.estimated,
    cost_usd: formatUsd(receipt.costNanoUsd),
    warnings: transcript.warnings.map(({ code, message }) => ({ code, message })),
    srt: render('srt', rendering),
    vtt: render('vtt', rendering),
    json: JSON.parse(renderRunReply(done)) as unknown,
  };
}
