/** Long recordings through a real server: the memory of all its processes, its speed, and how long its main thread is busy. */
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { serveRecordings, startServer, type RecordingServer, type RunningServer } from '../test/running-server.ts';
import { isFfmpegHere, makeRecording } from './ffmpeg.ts';
import type { Bench, Figure } from './figure.ts';
import { treeCpuSeconds, watchPeakMemory } from '../test/process-tree.ts';

const minutes = Number(process.env['BENCH_MINUTES'] ?? 60);
/** Long enough for four hours on a crowded machine. */
const CALL_SECONDS = 7_200;
const MEMORY_LOOK_MS = 200;
const DECODED = /"msg":"audio-decode-end"/g;

export const serveBench: Bench = { name: 'serve', run };

async function run(): Promise<readonly Figure[]> {
  if (!(await isFfmpegHere())) {
    process.stderr.write('ffmpeg is not installed: without it there are no long recordings.\n');
    return [];
  }
  const directory = await mkdtemp(join(tmpdir(), 'earshot-bench-'));
  const config = join(directory, 'earshot.json');
  await writeFile(config, JSON.stringify({ limits: { call_seconds: CALL_SECONDS } }));
  await using recordings = await serveRecordings();
  const environment = {
    EARSHOT_CONFIG: config,
    EARSHOT_FETCH_ALLOW: recordings.hostAndPort,
    LOG_LEVEL: 'debug',
  };
  try {
    const figures: Figure[] = [];
    const measure = async (work: (server: RunningServer, url: string) => Promise<Figure[]>, length: number) => {
      await using server = await startServer({ environment });
      const path = await makeRecording(directory, 'mp3', length);
      const measured = await work(server, publish(recordings, path));
      for (const { subject, quantity, value, unit } of measured) {
        process.stderr.write(`${subject}: ${quantity} ${value.toFixed(2)} ${unit}\n`);
      }
      figures.push(...measured);
    };
    await measure(decodeTwice, minutes);
    for (const length of [1, minutes / 6, minutes, minutes * 4]) {
      await measure((server, url) => transcribe(server, url, length), length);
    }
    return figures;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function publish(recordings: RecordingServer, path: string): string {
  return recordings.serve(basename(path), (_, response) => {
    response.setHeader('content-length', statSync(path).size);
    createReadStream(path).pipe(response);
  });
}

/** One call on a fresh server. */
async function transcribe(server: RunningServer, url: string, length: number): Promise<Figure[]> {
  const { key } = await server.createKey();
  const pid = server.process.pid ?? 0;
  using memory = watchPeakMemory(pid, MEMORY_LOOK_MS);
  const cpuBefore = treeCpuSeconds(pid);
  const startMs = performance.now();
  await call(server, key, url);
  const seconds = (performance.now() - startMs) / 1_000;
  const cpuSeconds = treeCpuSeconds(pid) - cpuBefore;
  const subject = `one call, ${length} min`;
  return [
    { subject, quantity: 'peak memory of all processes (PSS)', value: memory.peakMib, unit: 'MiB' },
    { subject, quantity: 'time', value: seconds, unit: 's' },
    { subject, quantity: 'speed', value: (length * 60) / seconds, unit: '× real time' },
    { subject, quantity: 'processor time for a minute of audio', value: cpuSeconds / length, unit: 'CPU s' },
  ];
}

/** A call of any length: Node's own `fetch` gives up on an answer that does not begin within five minutes. */
async function call(server: RunningServer, key: string, url: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const asked = request(`${server.url}/v1/run`, { method: 'POST', headers });
  asked.end(JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: url } }));
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await text(answer);
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${body}`);
}

/** The delay of the main thread's event loop from the start of two calls until both recordings are decoded. */
async function decodeTwice(server: RunningServer, url: string): Promise<Figure[]> {
  const { key } = await server.createKey();
  // Each look at the figures starts them anew.
  await eventLoopDelayMs(server);
  const stop = new AbortController();
  const calls = [1, 2].map(() => server.run(key, url, {}, stop.signal).catch(() => null));
  await new Promise<void>((resolve) => {
    server.process.stderr?.on('data', () => {
      if ((server.log().match(DECODED)?.length ?? 0) >= calls.length) resolve();
    });
  });
  const { p99Ms, longestMs } = await eventLoopDelayMs(server);
  stop.abort();
  await Promise.all(calls);
  const subject = `main thread while two files of ${minutes} min decode`;
  return [
    { subject, quantity: 'event-loop delay, p99', value: p99Ms, unit: 'ms' },
    { subject, quantity: 'event-loop delay, longest', value: longestMs, unit: 'ms' },
  ];
}

/** Since the last look. The timer that measures it fires every 10 ms, and that is part of the figure. */
async function eventLoopDelayMs(server: RunningServer): Promise<{ p99Ms: number; longestMs: number }> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const valueMs = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]) * 1_000;
  return { p99Ms: valueMs('nodejs_eventloop_lag_p99_seconds'), longestMs: valueMs('nodejs_eventloop_lag_max_seconds') };
}
