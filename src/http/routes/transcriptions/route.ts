/** OpenAI's door: a file as multipart, the same flow, and the reply in the format that was asked for. */
import { CallerGone, toAppError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import type {
  Deferral,
  IncomingCall,
  OpenAudio,
  ReceiveAudio,
  Repetition,
  Transcription,
} from '../../../transcribe/transcribe.ts';
import type { HttpCall, Route } from '../../app.ts';
import type { Calls } from '../../calls.ts';
import { errorBody } from '../../error-response.ts';
import { createEventStream, type EventStream } from '../../event-stream.ts';
import { readForm } from '../../form.ts';
import { readIdempotencyKey } from '../../idempotency-key.ts';
import type { Metrics } from '../../metrics.ts';
import { setRateLimitHeaders } from '../../rate-limit-headers.ts';
import { contentTypeOf, deltaEvent, doneEvent, errorEvent, renderTranscription } from './reply.ts';
import { readTranscriptionRequest, type Presentation } from './request.ts';

export interface TranscriptionsRouteServices {
  readonly transcribe: (call: IncomingCall) => Promise<Transcription | Repetition | Deferral>;
  readonly receive: ReceiveAudio;
  readonly calls: Calls;
  readonly metrics: Metrics;
  /** The time limit of a whole call. */
  readonly callMsMax: number;
  readonly log: Logger;
}

export function transcriptionsRoute(services: TranscriptionsRouteServices): Route {
  return {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    async handle(httpCall) {
      const reader = new AbortController();
      const stream = createEventStream(() => reader.abort(new CallerGone()));
      const finished = finish(httpCall, stream, reader.signal, services);
      // Whichever is there first: the whole answer or its failure, or the first words of a stream.
      return await Promise.race([finished, stream.begun]);
    },
  };
}

/** The whole call. What fails after its stream has begun is said in the stream. */
async function finish(
  httpCall: HttpCall,
  stream: EventStream,
  readerLeft: AbortSignal,
  services: TranscriptionsRouteServices,
): Promise<Response> {
  const { request, requestId, client, disconnected, answerHeaders, facts } = httpCall;
  const { receive, calls } = services;
  let presentation: Presentation | null = null;
  const uploads: OpenAudio[] = [];
  try {
    using call = calls.begin(AbortSignal.any([disconnected, readerLeft]), services.callMsMax);
    const done = await services.transcribe({
      requestId,
      headers: request.headers,
      clientAddress: client.address,
      signal: call.signal,
      onRateLimit: (limit) => setRateLimitHeaders(answerHeaders, limit),
      async readRequest() {
        const idempotencyKey = readIdempotencyKey(request.headers);
        const form = await readForm(request, {
          fileName: 'file',
          signal: call.signal,
          async receive(chunks) {
            const upload = await receive(chunks, call.signal);
            uploads.push(upload);
            return upload;
          },
        });
        const read = readTranscriptionRequest(form, idempotencyKey);
        presentation = read.presentation;
        return read.request;
      },
      onText(delta, engine) {
        if (presentation?.stream !== true) return;
        // It goes with the headers, so that in a stream it is the engine of the first words.
        if (stream.sent() === '') answerHeaders.set('x-earshot-engine', engine);
        stream.write(deltaEvent(delta));
      },
      render: (finished) => renderReply(presentation, finished, stream),
      // No form of this door asks for it.
      defer: () => Promise.reject(new Error('A transcription is never answered later.')),
    });
    return await respond(done, presentation, stream, httpCall, services.metrics);
  } catch (error) {
    if (stream.sent() === '') throw error;
    const refusal = toAppError(error);
    // Whoever left early is not told, and did nothing wrong.
    if (!readerLeft.aborted)
      services.log.warn(
        { request_id: requestId, code: refusal.code, detail: refusal.detail, ...facts },
        'stream-failed',
      );
    stream.write(errorEvent(errorBody(refusal, requestId)));
    stream.end();
    return await stream.begun;
  } finally {
    for (const upload of uploads) await upload[Symbol.asyncDispose]();
  }
}

/** The body as it is kept for repeats; of a stream, all its events. */
function renderReply(presentation: Presentation | null, done: Transcription, stream: EventStream): string {
  if (presentation === null) throw new Error('A request is read before it is answered.');
  return presentation.stream ? stream.sent() + doneEvent(done) : renderTranscription(presentation, done);
}

async function respond(
  done: Transcription | Repetition | Deferral,
  presentation: Presentation | null,
  stream: EventStream,
  { answerHeaders, facts }: HttpCall,
  metrics: Metrics,
): Promise<Response> {
  if (presentation === null || done.kind === 'deferral') throw new Error('A transcription is never answered later.');
  Object.assign(facts, { key_id: done.call.keyId, model: done.call.model });
  const headers = { 'content-type': contentTypeOf(presentation) };
  if (done.kind === 'repetition') {
    answerHeaders.set('x-earshot-engine', done.earlier.engine);
    nameWarnings(answerHeaders, headers['content-type'], done.earlier.warnings);
    Object.assign(facts, { repeated: true });
    return new Response(done.earlier.reply, { headers });
  }
  const { transcript, usage } = done;
  metrics.audio(done.call.model, usage.durationMs / 1000);
  answerHeaders.set('x-earshot-engine', transcript.engine);
  Object.assign(facts, { engine: transcript.engine, audio_ms: usage.durationMs });
  if (presentation.stream) {
    stream.write(doneEvent(done));
    stream.end();
    return await stream.begun;
  }
  const codes = transcript.warnings.map(({ code }) => code);
  nameWarnings(answerHeaders, headers['content-type'], codes);
  return new Response(renderTranscription(presentation, done), { headers });
}

/** Formats without a place for warnings have them in a header. */
function nameWarnings(answerHeaders: Headers, contentType: string, codes: readonly string[]): void {
  if (/^(application\/json|text\/event-stream)/.test(contentType) || codes.length === 0) return;
  answerHeaders.set('x-earshot-warnings', codes.join(', '));
}
