import type { RateLimit } from '../../../access/admit.ts';
import type { IncomingCall, Transcription } from '../../../transcribe/transcribe.ts';
import type { Route } from '../../app.ts';
import type { Calls } from '../../calls.ts';
import type { Metrics } from '../../metrics.ts';
import { runReply } from './reply.ts';
import { readRunRequest } from './request.ts';

export interface RunRouteServices {
  readonly transcribe: (call: IncomingCall) => Promise<Transcription>;
  readonly calls: Calls;
  readonly metrics: Metrics;
  /** The time limit of a whole call. */
  readonly callMsMax: number;
}

export function runRoute({ transcribe, calls, metrics, callMsMax }: RunRouteServices): Route {
  return {
    method: 'POST',
    path: '/v1/run',
    async handle({ request, requestId, disconnected, answerHeaders, facts }) {
      using call = calls.begin(disconnected, callMsMax);
      const done = await transcribe({
        requestId,
        headers: request.headers,
        signal: call.signal,
        onRateLimit: (limit) => setRateLimitHeaders(answerHeaders, limit),
        readRequest: () => readRunRequest(request),
      });
      const { transcript, usage } = done;
      answerHeaders.set('x-earshot-engine', transcript.engine);
      metrics.audio(done.call.model ?? '', usage.durationMs / 1000);
      Object.assign(facts, {
        key_id: done.call.keyId,
        model: done.call.model,
        engine: transcript.engine,
        audio_ms: usage.durationMs,
      });
      return Response.json(runReply(done));
    },
  };
}

function setRateLimitHeaders(headers: Headers, limit: RateLimit): void {
  headers.set('x-ratelimit-limit-requests', String(limit.limit));
  headers.set('x-ratelimit-remaining-requests', String(limit.remaining));
  headers.set('x-ratelimit-reset-requests', `${limit.resetSeconds}s`);
}
