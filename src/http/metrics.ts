/** Figures for Prometheus. The folders that do the work know nothing of it: they are asked for their state at each scrape. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricSources {
  readonly callsInFlight: () => number;
  readonly queuedAudioSeconds: () => number;
  readonly enginesReady: () => Readonly<Record<string, boolean>>;
}

export interface Metrics {
  /** One finished HTTP request. `code` is the error's code, or empty. */
  request(route: string, status: number, code: string, seconds: number): void;
  /** Decoded audio of one answered call. */
  audio(model: string, seconds: number): void;
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
  new Gauge({
    name: 'earshot_engine_ready',
    help: 'Whether the engine would take work (1) or not (0).',
    labelNames: ['engine'],
    registers,
    collect() {
      for (const [engine, ready] of Object.entries(sources.enginesReady())) this.set({ engine }, ready ? 1 : 0);
    },
  });
  return {
    request(route, status, code, elapsed) {
      requests.inc({ route, status: String(status), code });
      seconds.observe({ route }, elapsed);
    },
    audio: (model, length) => audioSeconds.inc({ model }, length),
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

function gauge(registers: Registry[], name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(value());
    },
  });
}
