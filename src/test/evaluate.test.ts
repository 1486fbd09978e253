/** `earshot evaluate` as its user meets it: the compiled program, the embedded engine, real recordings. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recordings, wavFile, wavSamples } from './recordings.ts';
import {
  FIXTURES,
  ONE_OF_EACH,
  PROGRAM,
  runHere,
  runProgram,
  serveRecordings,
  type Finished,
} from './running-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-evaluate-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const server = await serveRecordings();
after(() => server[Symbol.asyncDispose]());

const environment = {
  PATH: process.env['PATH'],
  TMPDIR: folder,
  EARSHOT_FETCH_ALLOW: server.hostAndPort,
  EARSHOT_CONFIG: ONE_OF_EACH,
};
const EMBEDDED = ['--engine', 'embedded', '--model', 'moonshine/tiny'];

interface Json {
  readonly model: string;
  readonly engines: readonly string[];
  readonly interrupted: boolean;
  readonly recordings: { readonly heard: number; readonly failed: number; readonly missing: number };
  readonly words: Figures | null;
  readonly characters: Figures | null;
  readonly warnings: Readonly<Record<string, number>>;
  readonly throughput: number | null;
  readonly real_time_factor: number | null;
  readonly worst: readonly { readonly id: string; readonly diff: string }[];
  readonly failures: readonly { readonly id: string; readonly error: string }[];
}

interface Figures {
  readonly rate: number;
  readonly interval_95: readonly [number, number];
  readonly units: number;
  readonly errors: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  readonly audio_seconds: number;
}

const evaluate = (...words: string[]): Promise<Finished> => runProgram(['evaluate', ...words], environment);

/** A manifest of all recordings, in a format each, and one of them by its URL. */
function manifest(name: string, more: readonly object[] = []): string {
  const lines = recordings().map(({ name: recording, text }, index) => {
    const file = `${recording}.${['wav', 'flac', 'mp3', 'webm'][index % 4]}`;
    return { audio: index === 0 ? server.url(file) : join(FIXTURES, file), reference: text, language: 'en' };
  });
  const path = join(folder, name);
  writeFileSync(path, [...lines, ...more].map((line) => JSON.stringify(line)).join('\n'));
  return path;
}

/** What must be equal however often a run was broken off: everything but times. */
function countsOf({ words, recordings: counts, worst }: Json): unknown {
  const { rate, interval_95, units, errors, substitutions, deletions, insertions, audio_seconds } = words as Figures;
  return { counts, worst, rate, interval_95, units, errors, substitutions, deletions, insertions, audio_seconds };
}

const whole = manifest('whole.jsonl');
const wholeRun = await evaluate(whole, ...EMBEDDED, '--json', '--html', join(folder, 'deep/report.html'));
const wholeReport = JSON.parse(wholeRun.stdout) as Json;

test('all recordings are heard, and at most a tenth of their words is wrong', () => {
  assert.equal(wholeRun.code, 0, wholeRun.stderr);
  assert.equal(wholeRun.stderr, '', 'no bar where no terminal is');
  assert.deepEqual(wholeReport.recordings, { heard: 10, failed: 0, missing: 0 });
  assert.deepEqual(wholeReport.engines, ['embedded']);
  const {
    rate,
    interval_95: [low, high],
    units,
    errors,
    substitutions,
    deletions,
    insertions,
    audio_seconds,
  } = wholeReport.words as Figures;
  assert.ok(rate <= 0.1 && low <= rate && rate <= high, JSON.stringify(wholeReport.words));
  assert.equal(errors, substitutions + deletions + insertions);
  assert.ok(units > 120 && Math.abs(audio_seconds - 52) < 2, JSON.stringify(wholeReport.words));
  assert.ok((wholeReport.throughput ?? 0) > 0 && (wholeReport.real_time_factor ?? 0) > 0);
  const html = readFileSync(join(folder, 'deep/report.html'), 'utf8');
  assert.ok(html.includes(`${(rate * 100).toFixed(2)} %`), 'the page says the same');
});

test('without a choice the model answers as it would to a caller, and the stand-in is said', async () => {
  const path = join(folder, 'one.jsonl');
  writeFileSync(
    path,
    JSON.stringify({ audio: join(FIXTURES, 'go-forward.wav'), reference: '前进十米', language: 'zh' }),
  );
  const { code, stdout } = await evaluate(path, '--json');
  assert.equal(code, 0);
  const report = JSON.parse(stdout) as Json;
  assert.deepEqual([report.model, report.words], ['glm/glm-asr-2512', null]);
  assert.equal(report.characters?.units, 5);
  assert.deepEqual(report.warnings, { stand_in_engine: 1, language_not_supported: 1 });
});

test('after a kill in the middle, the next run goes on from there to the same figures', async () => {
  const output = join(folder, 'killed.jsonl');
  const words = ['evaluate', whole, ...EMBEDDED, '--parallel', '1', '--output', output];
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: environment, stdio: 'ignore' });
  await linesIn(output, 4);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const [, ...kept] = readFileSync(output, 'utf8').trim().split('\n');
  assert.ok(kept.length >= 3 && kept.length < 10, `${kept.length} were heard before the kill`);
  // The kill might have come within a line.
  writeFileSync(output, `${readFileSync(output, 'utf8')}{"id":"half`);
  const { code, stdout, stderr } = await evaluate(whole, ...EMBEDDED, '--json', '--output', output);
  assert.equal(code, 0, stderr);
  assert.deepEqual(countsOf(JSON.parse(stdout) as Json), countsOf(wholeReport));
  const [, ...lines] = readFileSync(output, 'utf8').trim().split('\n');
  const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id);
  assert.deepEqual([ids.length, new Set(ids).size], [10, 10], 'none was heard twice');
  assert.deepEqual(lines.slice(0, kept.length), kept);
  const again = JSON.parse((await evaluate(whole, ...EMBEDDED, '--json', '--output', output)).stdout) as Json;
  assert.deepEqual([countsOf(again), again.throughput], [countsOf(wholeReport), null]);
});

test('Ctrl-C ends it in order, with the figures of what is there', async () => {
  const output = join(folder, 'interrupted.jsonl');
  const words = ['evaluate', whole, ...EMBEDDED, '--parallel', '1', '--json', '--output', output];
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  await linesIn(output, 3);
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number];
  const report = JSON.parse(stdout) as Json;
  assert.deepEqual([code, report.interrupted], [1, true]);
  const { heard, failed, missing } = report.recordings;
  assert.deepEqual([heard + missing, failed], [10, 0]);
  assert.ok(heard >= 2 && missing > 0, JSON.stringify(report.recordings));
});

test('what cannot be heard is counted and listed, is no part of the rate, and is tried again', async () => {
  const broken = join(folder, 'broken.wav');
  writeFileSync(broken, 'no audio');
  const lines = [
    { audio: broken, reference: 'Seven of clubs.', language: 'en' },
    { audio: 'missing.wav', reference: 'Nothing.', language: 'en' },
    { audio: server.url('nowhere.wav'), reference: 'Nothing.', language: 'en' },
    { audio: join(FIXTURES, 'go-forward.wav'), reference: 'Go forward ten metres.', language: 'en' },
  ];
  const path = join(folder, 'failing.jsonl');
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'));
  const output = join(folder, 'failing-results.jsonl');
  const { code, stdout } = await evaluate(path, ...EMBEDDED, '--json', '--output', output);
  assert.equal(code, 1);
  const report = JSON.parse(stdout) as Json;
  assert.deepEqual(report.recordings, { heard: 1, failed: 3, missing: 0 });
  assert.deepEqual([report.words?.units, report.words?.errors], [4, 0]);
  assert.deepEqual(
    report.failures.map(({ id, error }) => [id, error.split(':')[0]]),
    [
      [broken, 'unsupported_audio_format'],
      ['missing.wav', 'invalid_parameter'],
      [server.url('nowhere.wav'), 'audio_download_failed'],
    ],
  );
  writeFileSync(broken, readFileSync(join(FIXTURES, 'seven-of-clubs.wav')));
  const mended = JSON.parse((await evaluate(path, ...EMBEDDED, '--json', '--output', output)).stdout) as Json;
  assert.deepEqual(mended.recordings, { heard: 2, failed: 2, missing: 0 });
});

test('segments of one long recording are cut by their times: each has its own words, and no others', async () => {
  const said = recordings().filter(({ name }) => ['go-forward', 'something', 'sense-amiable'].includes(name));
  const silence = new Int16Array(8_000);
  const samples: number[] = [];
  const segments = said.map(({ name, text }) => {
    samples.push(...silence);
    const begin = samples.length / 16_000;
    samples.push(...wavSamples(name));
    return { begin_time: begin, end_time: samples.length / 16_000, text, subsets: ['TEST_NET'] };
  });
  const root = join(folder, 'wenet');
  mkdirSync(join(root, 'audio'), { recursive: true });
  writeFileSync(join(root, 'audio/long.wav'), wavFile(Int16Array.from(samples)));
  const behind = { begin_time: 1_000, end_time: 1_001, text: 'behind the end', subsets: ['TEST_NET'] };
  writeFileSync(
    join(root, 'WenetSpeech.json'),
    JSON.stringify({ audios: [{ path: 'audio/long.wav', segments: [...segments, behind] }] }),
  );
  const output = join(folder, 'wenet-results.jsonl');
  const { stdout } = await evaluate(root, '--split', 'TEST_NET', ...EMBEDDED, '--json', '--output', output);
  const report = JSON.parse(stdout) as Json;
  assert.deepEqual(report.recordings, { heard: 3, failed: 1, missing: 0 });
  assert.match(report.failures[0]?.error ?? '', /lies behind the end/);
  const [, ...lines] = readFileSync(output, 'utf8').trim().split('\n');
  const texts = lines.flatMap((line) => (JSON.parse(line) as { text?: string }).text ?? []);
  assert.deepEqual(
    texts.map((text) => text.toLowerCase().split(' ')[0]),
    said.map(({ text }) => text.toLowerCase().split(' ')[0]),
  );
  const seconds = segments.reduce((sum, { begin_time, end_time }) => sum + end_time - begin_time, 0);
  assert.ok(Math.abs((report.characters?.audio_seconds ?? 0) - seconds) < 0.01);
});

test('wrong words are said in a sentence', async () => {
  for (const [words, code, message] of [
    [[join(folder, 'nowhere.jsonl')], 1, /There is no file or folder/],
    [[whole, '--engine', 'nobody'], 1, /No engine "nobody" is configured. There is: embedded/],
    [[whole, '--engine', 'embedded', '--model', 'x/y'], 1, /There is no model "x\/y"/],
    [[whole, '--layout', 'timit'], 2, /--layout must be one of manifest, librispeech/],
    [[whole, '--parallel', '0'], 2, /--parallel must be/],
    [[], 2, /One MANIFEST\|FOLDER is expected/],
  ] as const) {
    const finished = await runHere(['evaluate', ...words], environment);
    assert.equal(finished.code, code, finished.stderr);
    assert.match(finished.stderr, message);
    assert.doesNotMatch(finished.stderr, /\n {4}at /, 'no stack');
  }
});

/** Resolves once the file has so many complete lines. */
async function linesIn(path: string, count: number): Promise<void> {
  const complete = (): boolean => existsSync(path) && readFileSync(path, 'utf8').split('\n').length > count;
  await new Promise<void>((reached) => {
    const watcher = watch(folder, () => {
      if (!complete()) return;
      watcher.close();
      reached();
    });
    if (complete()) {
      watcher.close();
      reached();
    }
  });
}
