/**
 * What short calls of one key wait while a long recording of another is transcribed: the bound is what they take on an idle
 * server, and the time of one piece.
 */
import { wavFile, wavSamples } from '../test/recordings.ts';
import { serveRecordings, startServer, type RunningServer } from '../test/running-server.ts';
import { percentile, type Bench, type Figure } from './figure.ts';

/** Recordings whose speech fills a piece, and one that is short. */
const PIECE = ['sense-leisure', 'fabric', 'sense-selfish'];
const SHORT = 'seven-of-clubs';
const LONG_ROUNDS = 60;
const CALLS = 40;
/** Keys with a long recording each. */
const RECORDINGS = [1, 4];

export const fairnessBench: Bench = { name: 'fairness', run };

async function run(): Promise<readonly Figure[]> {
  await using recordings = await serveRecordings();
  await using server = await startServer({
    // The default configuration, with two engine processes.
    environment: { EARSHOT_CONFIG: '', EARSHOT_FETCH_ALLOW: recordings.hostAndPort, LOG_LEVEL: 'debug' },
  });
  const publish = (name: string, parts: readonly string[]): string => {
    const body = wavFile(joined(parts));
    return recordings.serve(name, (_, response) => response.end(body));
  };
  const short = publish('short.wav', [SHORT]);
  const piece = publish('piece.wav', PIECE);
  const long = publish('long.wav', Array.from({ length: LONG_ROUNDS }, () => PIECE).flat());
  const patient = (await server.createKey()).key;
  const idleMs = await timesOf(server, patient, short);
  const pieceMs = percentile(await timesOf(server, patient, piece), 0.5);
  const figures = [
    figure('idle server, p50', percentile(idleMs, 0.5)),
    figure('idle server, p95', percentile(idleMs, 0.95)),
    figure('a call of one whole piece, p50', pieceMs),
  ];
  for (const recordingCount of RECORDINGS) {
    const busyMs = await timesBeside(server, recordingCount, long, () => timesOf(server, patient, short));
    const beside = `beside long recordings, ${recordingCount} of other keys`;
    figures.push(
      figure(`${beside}, p50`, percentile(busyMs, 0.5)),
      figure(`${beside}, p95`, percentile(busyMs, 0.95)),
      figure(`${beside}, of the bound`, percentile(busyMs, 0.95) / (percentile(idleMs, 0.95) + pieceMs), ''),
    );
  }
  return figures;
}

function figure(quantity: string, value: number, unit = 'ms'): Figure {
  return { subject: 'short calls', quantity, value, unit };
}

/** What `measure` gives while so many long recordings are transcribed, each for a key of its own. */
async function timesBeside(
  server: RunningServer,
  recordingCount: number,
  url: string,
  measure: () => Promise<number[]>,
): Promise<number[]> {
  const stop = new AbortController();
  const calls: Promise<unknown>[] = [];
  for (let count = 0; count < recordingCount; count += 1) {
    const { key } = await server.createKey();
    const decoded = untilDecoded(server);
    calls.push(server.run(key, url, {}, stop.signal).catch(() => null));
    await decoded;
  }
  const times = await measure();
  stop.abort();
  await Promise.all(calls);
  return times;
}

async function timesOf(server: RunningServer, key: string, url: string): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < CALLS; count += 1) {
    const start = performance.now();
    const { status } = await server.run(key, url);
    if (status !== 200) throw new Error(`The server answered ${status}.`);
    times.push(performance.now() - start);
  }
  return times;
}

/** Resolves when the next recording is decoded. */
function untilDecoded(server: RunningServer): Promise<void> {
  const seen = server.log().length;
  return new Promise((resolve) => {
    server.process.stderr?.on('data', () => {
      if (server.log().slice(seen).includes('audio-decode-end')) resolve();
    });
  });
}

function joined(names: readonly string[]): Int16Array {
  const parts = names.map(wavSamples);
  const whole = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}
