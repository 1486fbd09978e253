/** Figures for Prometheus. The folders that do the work know nothing of it: they are asked for their state at each scrape. */
import type { BreakerState } from '../engines/breaker.ts';
import { OUTCOMES, type EngineHealth } from '../engines/watched-engine.ts';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricSources {
  readonly callsInFlight: () => number;
  readonly queuedAudioSeconds: () => number;
  readonly engines: () => readonly EngineFigures[];
  /** Jobs of all servers that have not ended, by status, and webhooks that are still owed. */
  readonly openJobs: () => Promise<Readonly<Record<'queued' | 'running', number>>>;
  readonly webhooksPending: () => Promise<number>;
}

/** One engine, and the pieces that wait for it. */
export interface EngineFigures extends EngineHealth {
  readonly id: string;
  readonly waitingPieces: number;
}

export interface Metrics {
  /** One finished HTTP request. `code` is the error's code, or empty. */
  request(route: string, status: number, code: string, seconds: number): void;
  /** Decoded audio of one answered call. */
  audio(model: string, seconds: number): void;
  /** A job that ended on this server, one that is tried again, and a try to deliver a webhook. */
  jobEnded(status: string): void;
  jobRetried(): void;
  webhookTried(outcome: string): void;
  /** The text of the exposition format, and its content type. */
  expose(): Promise<{ readonly text: string; readonly contentType: string }>;
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'earshot_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['route', 'status', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'earshot_http_request_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600],
    registers,
  });
  const audioSeconds = new Counter({
    name: 'earshot_audio_seconds_total',
    help: 'Decoded audio of answered calls.',
    labelNames: ['model'],
    registers,
  });
  gauge(registers, 'earshot_calls_in_flight', 'Calls that are being worked on.', sources.callsInFlight);
  gauge(
    registers,
    'earshot_queue_audio_seconds',
    'Audio admitted to the engines and not transcribed yet.',
    sources.queuedAudioSeconds,
  );
  engineFigures(registers, sources.engines);
  const background = backgroundFigures(registers, sources);
  return {
    ...background,
    request(route, status, code, elapsed) {
      requests.inc({ route, status: String(status), code });
      seconds.observe({ route }, elapsed);
    },
    audio: (model, length) => audioSeconds.inc({ model }, length),
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

/** Jobs and their webhooks. */
function backgroundFigures(
  registers: Registry[],
  { openJobs, webhooksPending }: MetricSources,
): Pick<Metrics, 'jobEnded' | 'jobRetried' | 'webhookTried'> {
  new Gauge({
    name: 'earshot_jobs',
    help: 'Jobs in the database that have not ended.',
    labelNames: ['status'],
    registers,
    async collect() {
      for (const [status, jobs] of Object.entries(await openJobs())) this.set({ status }, jobs);
    },
  });
  gauge(registers, 'earshot_webhooks_pending', 'Webhooks in the database that are still owed.', webhooksPending);
  const ended = new Counter({
    name: 'earshot_jobs_ended_total',
    help: 'Jobs that ended on this server.',
    labelNames: ['status'],
    registers,
  });
  const retried = new Counter({
    name: 'earshot_job_retries_total',
    help: 'Attempts of jobs that failed and are tried again.',
    registers,
  });
  const tried = new Counter({
    name: 'earshot_webhook_tries_total',
    help: 'Tries to deliver a webhook: delivered, refused by the receiver, or failed on the way.',
    labelNames: ['outcome'],
    registers,
  });
  return {
    jobEnded: (status) => ended.inc({ status }),
    jobRetried: () => retried.inc(),
    webhookTried: (outcome) => tried.inc({ outcome }),
  };
}

function gauge(registers: Registry[], name: string, help: string, value: () => number | Promise<number>): void {
  new Gauge({
    name,
    help,
    registers,
    async collect() {
      this.set(await value());
    },
  });
}

const BREAKER_STATES: readonly BreakerState[] = ['closed', 'half_open', 'open'];

/** What the engines count for themselves is copied at each scrape. */
function engineFigures(registers: Registry[], engines: MetricSources['engines']): void {
  const perEngine = (name: string, help: string, value: (engine: EngineFigures) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['engine'],
      registers,
      collect() {
        for (const engine of engines()) this.set({ engine: engine.id }, value(engine));
      },
    });
  };
  const counted = (name: string, help: string, value: (engine: EngineFigures) => number): void => {
    new Counter({
      name,
      help,
      labelNames: ['engine'],
      registers,
      collect() {
        this.reset();
        for (const engine of engines()) this.inc({ engine: engine.id }, value(engine));
      },
    });
  };
  perEngine('earshot_engine_ready', 'Whether the engine would take work (1) or not (0).', ({ ready }) => Number(ready));
  perEngine('earshot_engine_breaker', 'The circuit breaker: 0 closed, 1 half open, 2 open.', ({ breaker }) =>
    BREAKER_STATES.indexOf(breaker),
  );
  perEngine('earshot_engine_in_flight', 'Pieces that the engine works on.', ({ inFlight }) => inFlight);
  perEngine(
    'earshot_engine_concurrency',
    'Pieces that the engine takes at once, without its headroom.',
    ({ concurrency }) => concurrency,
  );
  perEngine('earshot_engine_waiting', 'Pieces that wait for the engine.', ({ waitingPieces }) => waitingPieces);
  counted(
    'earshot_engine_audio_seconds_total',
    'Audio that the engine gave a text for.',
    (engine) => engine.audioSeconds,
  );
  counted('earshot_engine_busy_seconds_total', 'Time that the engine took for it.', (engine) => engine.busySeconds);
  new Counter({
    name: 'earshot_engine_attempts_total',
    help: 'Pieces sent to the engine, by what came of it.',
    labelNames: ['engine', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { id, attempts } of engines()) {
        for (const outcome of OUTCOMES) this.inc({ engine: id, outcome }, attempts[outcome]);
      }
    },
  });
}
