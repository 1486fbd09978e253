/** The work that nobody waits for: jobs, and the webhooks that tell of their end. */
import { createGuardedFetch } from '../audio/fetch/guarded-fetch.ts';
import type { Config } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Metrics } from '../http/metrics.ts';
import { renderRunReply } from '../http/routes/run/reply.ts';
import { inBackground } from '../jobs/background.ts';
import { startJobRunner, type JobRunner } from '../jobs/run-jobs.ts';
import { startWebhookSender } from '../jobs/send-webhooks.ts';
import { checkWebhookUrl } from '../jobs/webhook-url.ts';
import type { Services } from '../transcribe/transcribe.ts';
import type { Books } from './books.ts';
import type { Ears } from './ears.ts';

/** A receiver has this long to answer a webhook. */
const WEBHOOK_MS_MAX = 20_000;

export interface Background extends AsyncDisposable {
  readonly runner: JobRunner;
  checkWebhookUrl(url: string): void;
}

export interface BackgroundParts {
  readonly config: Config;
  readonly ears: Ears;
  readonly books: Books;
  readonly services: Services;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Begins to work on what is there already. Disposing it gives back what is being worked on. */
export function startBackground({ config, ears, books, services, metrics, clock, log }: BackgroundParts): Background {
  const { limits } = config;
  const fetch = createGuardedFetch({ allow: config.fetchAllow, limits: { totalMs: WEBHOOK_MS_MAX }, log });
  const { deliveries, webhookSecrets: secrets } = books;
  const sender = startWebhookSender({
    deliveries,
    secrets,
    fetch,
    clock,
    log,
    onTry: (outcome) => metrics.webhookTried(outcome),
  });
  const runner = startJobRunner({
    jobs: books.jobs,
    claims: books.jobClaims,
    services: inBackground(services, {
      decodersMax: Math.max(limits.decoders - 1, 1),
      queuedSecondsMax: limits.queue_audio_seconds / 2,
      queuedSeconds: () => ears.schedule.audioSeconds(),
    }),
    clock,
    log,
    places: limits.jobs,
    jobMsMax: limits.job_seconds * 1000,
    render: renderRunReply,
    observer: {
      completed: ({ call, usage }) => metrics.audio(call.model, usage.durationMs / 1000),
      ended(status) {
        metrics.jobEnded(status);
        sender.wake();
      },
      retried: () => metrics.jobRetried(),
    },
  });
  return {
    runner,
    checkWebhookUrl: (url) => checkWebhookUrl(fetch, url),
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await sender[Symbol.asyncDispose]();
    },
  };
}
