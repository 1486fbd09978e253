import type { JobStore } from '../../../jobs/job-store.ts';
import type { Deferral, IncomingCall, Repetition, Transcription } from '../../../transcribe/transcribe.ts';
import type { HttpCall, Route } from '../../app.ts';
import type { Calls } from '../../calls.ts';
import type { LargeBodies } from '../../large-bodies.ts';
import type { Metrics } from '../../metrics.ts';
import { setRateLimitHeaders } from '../../rate-limit-headers.ts';
import { renderAccepted, renderRunReply } from './reply.ts';
import { readRunRequest } from './request.ts';

export interface RunRouteServices {
  readonly transcribe: (call: IncomingCall) => Promise<Transcription | Repetition | Deferral>;
  readonly calls: Calls;
  readonly largeBodies: LargeBodies;
  readonly metrics: Metrics;
  /** The time limit of a whole call. */
  readonly callMsMax: number;
  readonly jobs: JobStore;
  /** Told of each new job. */
  wakeJobs(): void;
  checkWebhookUrl(url: string): void;
  /** The address that clients use; null where it is the one that they called. */
  readonly publicUrl: string | null;
}

export function runRoute(services: RunRouteServices): Route {
  const { transcribe, calls, largeBodies, jobs } = services;
  return {
    method: 'POST',
    path: '/v1/run',
    async handle(httpCall) {
      const { request, requestId, client, disconnected, answerHeaders } = httpCall;
      using call = calls.begin(disconnected, services.callMsMax);
      using room = largeBodies.room(call.signal);
      const base = services.publicUrl ?? new URL(request.url).origin;
      const done = await transcribe({
        requestId,
        headers: request.headers,
        clientAddress: client.address,
        signal: call.signal,
        onRateLimit: (limit) => setRateLimitHeaders(answerHeaders, limit),
        readRequest: () => readRunRequest(request, room, (url) => services.checkWebhookUrl(url)),
        render: renderRunReply,
        defer: (deferred) => jobs.add(deferred, (jobId) => renderAccepted(jobId, deferred.call.model, base)),
      });
      return respond(done, httpCall, services);
    },
  };
}

function respond(
  done: Transcription | Repetition | Deferral,
  { answerHeaders, facts }: HttpCall,
  services: RunRouteServices,
): Response {
  Object.assign(facts, { key_id: done.call.keyId, model: done.call.model });
  switch (done.kind) {
    case 'repetition':
      Object.assign(facts, { repeated: true });
      if (done.later) return jsonResponse(done.earlier.reply, 202);
      answerHeaders.set('x-earshot-engine', done.earlier.engine);
      return jsonResponse(done.earlier.reply);
    case 'deferral':
      services.wakeJobs();
      return jsonResponse(done.reply, 202);
    case 'transcription': {
      const { transcript, usage } = done;
      answerHeaders.set('x-earshot-engine', transcript.engine);
      services.metrics.audio(done.call.model, usage.durationMs / 1000);
      Object.assign(facts, { engine: transcript.engine, audio_ms: usage.durationMs });
      return jsonResponse(renderRunReply(done));
    }
  }
}

function jsonResponse(body: string, status = 200): Response {
  return new Response(body, { status, headers: { 'content-type': 'application/json' } });
}
