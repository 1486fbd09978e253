/** The server, put together in plain order, and its end. */
import type { Terminal } from '../cli/command.ts';
import type { Config, ModelConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { parseUsd } from '../core/money.ts';
import { repeat } from '../core/repeat.ts';
import type { ListPrice } from '../billing/price.ts';
import { loadOneSecond } from '../engines/one-second.ts';
import { keepProbing } from '../engines/probe.ts';
import { createApp } from '../http/app.ts';
import { createCalls, type Calls } from '../http/calls.ts';
import { createReadClientAddress } from '../http/client-address.ts';
import { createLargeBodies } from '../http/large-bodies.ts';
import { createMetrics, type Metrics } from '../http/metrics.ts';
import { docsRoutes } from '../http/routes/docs/route.ts';
import { healthRoutes } from '../http/routes/health/routes.ts';
import { jobRoutes } from '../http/routes/jobs/routes.ts';
import { keyRoute } from '../http/routes/key/route.ts';
import { metricsRoute } from '../http/routes/metrics/route.ts';
import { modelsRoutes } from '../http/routes/models/route.ts';
import { runRoute } from '../http/routes/run/route.ts';
import { transcriptionsRoute } from '../http/routes/transcriptions/route.ts';
import { usageRoute } from '../http/routes/usage/route.ts';
import { listen, type HttpServer } from '../http/server.ts';
import { transcribe } from '../transcribe/transcribe.ts';
import { startBackground, type Background, type BackgroundParts } from './background.ts';
import { openBooks, type Books } from './books.ts';
import { createDashboardEvents, dashboardRoutes, firstLink, tellingOfEnds } from './dashboard.ts';
import type { EventHub } from '../http/api/event-hub.ts';
import { openEars, type Ears } from './ears.ts';
import { openTemporaryFolder } from './temporary-folder.ts';

/** How long calls in flight may go on after the first signal, and when the process ends whatever hangs. */
const DRAIN_MS_MAX = 10_000;
const EXIT_MS_MAX = 12_500;

/** Calls whose audio is inside of their body, up to 16 MiB, and how long one waits for its turn. */
const LARGE_BODIES = { places: 4, waitMsMax: 10_000 };

/** How often replies that were kept for a day are forgotten. */
const SWEEP_MS = 60_000;

/** Serves until SIGTERM or SIGINT, and gives the exit code. */
export async function serve(config: Config, terminal: Terminal, clock: Clock, log: Logger): Promise<number> {
  await using temporary = await openTemporaryFolder(config.dataDirectory, process.pid);
  await using ears = openEars(config, temporary.path, clock, log);
  await using books = await openBooks(config, 'server', clock, log);
  await books.leases.take();
  await using _lease = books.leases.keep();
  await using _replies = repeat(SWEEP_MS, () => books.idempotency.forgetExpired(), log, 'replies-not-forgotten');
  await using _jobs = repeat(SWEEP_MS, () => books.jobs.forgetExpired(), log, 'jobs-not-forgotten');
  await using _content = repeat(SWEEP_MS, () => books.forgetExpiredContent(), log, 'content-not-forgotten');
  await using _sessions = repeat(SWEEP_MS, () => books.sessions.forgetEnded(), log, 'sessions-not-forgotten');
  await books.priceBook.ensure(config.models.flatMap(pricedModel));
  await ears.started;
  await using _probes = keepProbing({ engines: ears.engines, second: await loadOneSecond(), clock, log });
  const calls = createCalls();
  const metrics = composeMetrics(ears, books, calls);
  await using hub = createDashboardEvents(ears, books, clock, log);
  const services = tellingOfEnds({ ...books, ...ears, clock }, hub);
  await using background = startBackground({ config, ears, books, services, metrics, clock, log });
  const app = await composeApp({ config, ears, books, services, hub, background, metrics, calls, clock, log });
  const server = await listen(app, config.host, config.port, log);
  const stopped = untilStopped(calls, background, hub, server);
  terminal.out(`earshot listening on ${server.url}`);
  const link = await firstLink(config, books, server.url);
  if (link !== null) terminal.out(`Set up the dashboard, once: ${link}`);
  log.info({ url: server.url, models: config.models.map(({ id }) => id), stand_in: config.allowStandIn }, 'listening');
  await stopped;
  log.info({}, 'stopped');
  return 0;
}

function composeMetrics(ears: Ears, books: Books, calls: Calls): Metrics {
  return createMetrics({
    callsInFlight: () => calls.count,
    queuedAudioSeconds: () => ears.schedule.audioSeconds(),
    engines: () =>
      ears.engines.map((engine) => ({
        id: engine.id,
        ...engine.health(),
        waitingPieces: ears.schedule.waitingPieces(engine.id),
      })),
    openJobs: () => books.jobs.countOpen(),
    webhooksPending: () => books.deliveries.countPending(),
  });
}

interface AppParts extends BackgroundParts {
  readonly background: Background;
  readonly hub: EventHub;
  readonly calls: Calls;
}

async function composeApp(parts: AppParts) {
  const { config, ears, books, services, background, metrics, calls, clock, log } = parts;
  const { runner } = background;
  const readiness = async () => ({
    engine: ears.registry.ready(),
    database: await books.reachable(),
    draining: calls.draining,
  });
  const routes = [
    runRoute({
      transcribe: (call) => transcribe(call, services),
      calls,
      largeBodies: createLargeBodies(LARGE_BODIES),
      metrics,
      callMsMax: config.limits.call_seconds * 1000,
      jobs: books.jobs,
      wakeJobs: () => runner.wake(),
      checkWebhookUrl: (url) => background.checkWebhookUrl(url),
      publicUrl: config.publicUrl,
    }),
    ...jobRoutes({ ...books, cancelJob: (accountId, jobId) => runner.cancel(accountId, jobId) }),
    transcriptionsRoute({
      transcribe: (call) => transcribe(call, services),
      receive: (chunks, signal) => ears.opener.receive(chunks, signal),
      calls,
      metrics,
      callMsMax: config.limits.call_seconds * 1000,
      log,
    }),
    ...modelsRoutes({
      ...books,
      registry: ears.registry,
      limits: { audioSecondsMax: config.limits.audio_seconds, fileBytesMax: config.limits.download_bytes },
    }),
    keyRoute(books),
    usageRoute({ ...books, clock }),
    ...healthRoutes(readiness),
    metricsRoute(metrics, config.operatorToken),
    ...(await docsRoutes()),
    ...dashboardRoutes(parts),
  ];
  return createApp({ routes, readClientAddress: createReadClientAddress(config.trustedProxies), metrics, clock, log });
}

/** Resolves after a signal, once calls have finished or were aborted and every connection is closed. */
async function untilStopped(calls: Calls, background: Background, hub: EventHub, server: HttpServer): Promise<void> {
  await new Promise<void>((resolve) => {
    let signals = 0;
    const onSignal = (): void => {
      signals += 1;
      if (signals === 1) resolve();
      else calls.abortAll();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  setTimeout(() => process.exit(0), EXIT_MS_MAX).unref();
  server.closeIdle();
  hub.close();
  // Jobs are given back at once: another server, or this one after its start, begins them anew.
  await Promise.all([calls.drain(DRAIN_MS_MAX), background[Symbol.asyncDispose]()]);
  await server.close();
}

/** The configuration's price in the price book's terms; nothing for a model without one. */
function pricedModel({ id, listPrice }: ModelConfig): { model: string; listPrice: ListPrice }[] {
  if (listPrice === null) return [];
  const nano = (usd: string): bigint => parseUsd(usd) ?? 0n;
  const price: ListPrice =
    'usd_per_second' in listPrice
      ? { per: 'second', perSecondNanoUsd: nano(listPrice.usd_per_second) }
      : {
          per: 'tokens',
          inputPer1mNanoUsd: nano(listPrice.input_usd_per_1m),
          outputPer1mNanoUsd: nano(listPrice.output_usd_per_1m),
        };
  return [{ model: id, listPrice: price }];
}
