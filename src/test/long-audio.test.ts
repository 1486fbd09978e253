/** Long recordings through the real server: every word once, wherever they are cut, at a cost that grows with their length. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { joinTexts } from '../recognize/join.ts';
import { inOne, loadUtterances, longRecording, type LongRecording, type Utterance } from './long-recordings.ts';
import { treeCpuSeconds } from './process-tree.ts';
import { wavFile, wavSamples } from './recordings.ts';
import { serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';
import { mostLost, wordErrors } from './word-error-rate.ts';

const FULL = process.env['EARSHOT_TEST_FULL'] === '1';

let server: RunningServer;
let files: RecordingServer;
let key: string;
let utterances: Utterance[];
/** Wrong words of each utterance by itself. */
let errorsAlone: Map<string, number>;

interface Reply {
  text: string;
  segments?: { start: number; end: number; text: string }[];
  duration_seconds: number;
  warnings: { code: string; message: string; start?: number; end?: number }[];
}

before(async () => {
  files = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, EARSHOT_CONFIG: '' } });
  ({ key } = await server.createKey('--cap-usd', '50'));
  utterances = await loadUtterances();
  const counts = await Promise.all(
    utterances.map(async ({ name, text, samples }) => {
      const reply = await transcribe(samples);
      return [name, wordErrors(text, reply.text).errors] as const;
    }),
  );
  errorsAlone = new Map(counts);
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

async function transcribe(samples: Int16Array): Promise<Reply> {
  const url = files.serve('long', (_, response) => response.end(wavFile(samples)));
  const call = { model: 'glm/glm-asr-2512', inputs: { audio: url, timestamps: 'segment' } };
  const { status, body } = await post(`${server.url}/v1/run`, JSON.stringify(call));
  assert.equal(status, 200, body);
  return JSON.parse(body) as Reply;
}

/**
 * `fetch` gives an answer five minutes to begin: an hour of audio may take longer. And to make an hour takes so long that
 * the server has closed the last call's connection meanwhile, which is not noticed before it is used again.
 */
async function post(url: string, body: string): Promise<{ status: number | undefined; body: string }> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const [response] = (await once(request(url, { method: 'POST', headers, agent: false }).end(body), 'response')) as [
    IncomingMessage,
  ];
  return { status: response.statusCode, body: await textOf(response) };
}

function assertSegments({ text, segments = [], duration_seconds: duration }: Reply): void {
  let last = 0;
  for (const { start, end } of segments) {
    assert.ok(last <= start && start < end && end <= duration, `${last} ${start} ${end} of ${duration}`);
    last = end;
  }
  assert.equal(joinTexts(segments.map((segment) => ({ text: segment.text, forcedEnd: false }))), text);
}

function assertWords({ text, names }: LongRecording, reply: Reply): void {
  const { errors, words } = wordErrors(text, reply.text);
  const alone = names.reduce((sum, name) => sum + (errorsAlone.get(name) ?? 0), 0);
  assert.ok(
    errors / words <= alone / words + 0.02,
    `${alone} wrong words became ${errors}, of ${words}: ${reply.text}`,
  );
  // The shortest utterance has three words.
  const lost = mostLost(text, reply.text);
  assert.ok(lost.missing < 3 && lost.added < 3, `${lost.missing} words missing, ${lost.added} added: ${reply.text}`);
}

/** The longest pauses between utterances; without any, every cut in the whole stretch is a forced one. */
const PAUSES = { 'pauses of up to two seconds': 2, 'no pause': 0 } as const;
type Pauses = keyof typeof PAUSES;

function stretch(minutes: number, pauses: Pauses): LongRecording {
  const pauseSecondsMax = PAUSES[pauses];
  const suitable = utterances.filter(({ isWithoutPause }) => isWithoutPause || pauseSecondsMax > 0);
  return longRecording(suitable, { seconds: minutes * 60, pauseSecondsMax, seed: minutes });
}

const LONG: readonly { readonly minutes: number; readonly stretches: readonly Pauses[]; readonly isFull?: true }[] = [
  { minutes: 2, stretches: ['pauses of up to two seconds'] },
  { minutes: 2, stretches: ['no pause'] },
  { minutes: 10, stretches: ['pauses of up to two seconds', 'no pause'] },
  { minutes: 10, stretches: ['pauses of up to two seconds'], isFull: true },
  { minutes: 10, stretches: ['no pause'], isFull: true },
  { minutes: 60, stretches: ['pauses of up to two seconds'], isFull: true },
  { minutes: 60, stretches: ['no pause'], isFull: true },
];

for (const { minutes, stretches, isFull = false } of LONG) {
  test(
    `${minutes} minutes of speech with ${stretches.join(', then ')} lose no word and gain none`,
    { skip: isFull && !FULL },
    async () => {
      const recording = inOne(stretches.map((pauses) => stretch(minutes / stretches.length, pauses)));
      const reply = await transcribe(recording.samples);
      assertWords(recording, reply);
      assertSegments(reply);
      assert.deepEqual(
        reply.warnings.map(({ code }) => code),
        ['stand_in_engine', 'timestamps_from_speech_regions'],
      );
    },
  );
}

/** Seconds of audio that engines have heard so far. */
async function engineSeconds(): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^earshot_engine_audio_seconds_total\{[^}]*\} (\S+)$/m.exec(metrics)?.[1]);
}

test('an engine hears no more of a long recording than there is, and its processor time grows with the length', async (context) => {
  const { pid } = server.process;
  const isMeasurable = process.platform === 'linux' && pid !== undefined;
  async function costOf(seconds: number): Promise<{ heard: number; cpu: number; length: number }> {
    const { samples } = longRecording(utterances, { seconds, pauseSecondsMax: 1, seed: 60 });
    const before = { heard: await engineSeconds(), cpu: isMeasurable ? treeCpuSeconds(pid) : 0 };
    const { duration_seconds: length } = await transcribe(samples);
    return {
      length,
      heard: (await engineSeconds()) - before.heard,
      cpu: (isMeasurable ? treeCpuSeconds(pid) : 0) - before.cpu,
    };
  }
  const short = await costOf(FULL ? 60 : 30);
  const long = await costOf(FULL ? 3_600 : 60);
  for (const { heard, length } of [short, long])
    assert.ok(heard > length / 3 && heard <= length, `${heard} of ${length} s`);
  const growth = long.cpu / long.length / (short.cpu / short.length);
  context.diagnostic(
    `processor seconds for each of audio: ${short.cpu / short.length}, then ${long.cpu / long.length}`,
  );
  // Beside other work on the same machine the figure of a minute wavers more than the bound allows.
  if (FULL && isMeasurable) assert.ok(growth <= 1.1, `${growth} times the cost of a minute`);
});

test('speech that the engine cannot make out is delivered with warnings that name the ranges of it', async () => {
  const spoken = utterances.flatMap(({ name }) => [...wavSamples(name)]);
  const threeTimesAsFast = Int16Array.from(spoken.filter((_, index) => index % 3 === 0));
  const backwards = Int16Array.from(spoken.toReversed());
  const doubtful = [];
  for (const samples of [threeTimesAsFast, backwards]) {
    const reply = await transcribe(samples);
    const warnings = reply.warnings.filter(({ code }) => code === 'text_suspect');
    for (const { start = NaN, end = NaN } of warnings) {
      assert.ok(start >= 0 && start < end && end <= reply.duration_seconds, `${start} to ${end}`);
    }
    assertSegments(reply);
    doubtful.push(...warnings);
  }
  assert.ok(doubtful.length > 0, 'some of it is doubtful');
});
