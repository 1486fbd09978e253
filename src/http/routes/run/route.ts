import type { RateLimit } from '../../../access/admit.ts';
import type { IncomingCall, Repetition, Transcription } from '../../../transcribe/transcribe.ts';
import type { Route } from '../../app.ts';
import type { Calls } from '../../calls.ts';
import type { LargeBodies } from '../../large-bodies.ts';
import type { Metrics } from '../../metrics.ts';
import { renderRunReply } from './reply.ts';
import { readRunRequest } from './request.ts';

export interface RunRouteServices {
  readonly transcribe: (call: IncomingCall) => Promise<Transcription | Repetition>;
  readonly calls: Calls;
  readonly largeBodies: LargeBodies;
  readonly metrics: Metrics;
  /** The time limit of a whole call. */
  readonly callMsMax: number;
}

export function runRoute({ transcribe, calls, largeBodies, metrics, callMsMax }: RunRouteServices): Route {
  return {
    method: 'POST',
    path: '/v1/run',
    async handle({ request, requestId, client, disconnected, answerHeaders, facts }) {
      using call = calls.begin(disconnected, callMsMax);
      using room = largeBodies.room(call.signal);
      const done = await transcribe({
        requestId,
        headers: request.headers,
        clientAddress: client.address,
        signal: call.signal,
        onRateLimit: (limit) => setRateLimitHeaders(answerHeaders, limit),
        readRequest: () => readRunRequest(request, room),
        render: renderRunReply,
      });
      Object.assign(facts, { key_id: done.call.keyId, model: done.call.model });
      if (done.earlier !== null) {
        answerHeaders.set('x-earshot-engine', done.earlier.engine);
        Object.assign(facts, { repeated: true });
        return jsonResponse(done.earlier.reply);
      }
      const { transcript, usage } = done;
      answerHeaders.set('x-earshot-engine', transcript.engine);
      metrics.audio(done.call.model, usage.durationMs / 1000);
      Object.assign(facts, { engine: transcript.engine, audio_ms: usage.durationMs });
      return jsonResponse(renderRunReply(done));
    },
  };
}

function jsonResponse(body: string): Response {
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

function setRateLimitHeaders(headers: Headers, limit: RateLimit): void {
  headers.set('x-ratelimit-limit-requests', String(limit.limit));
  headers.set('x-ratelimit-remaining-requests', String(limit.remaining));
  headers.set('x-ratelimit-reset-requests', `${limit.resetSeconds}s`);
}
