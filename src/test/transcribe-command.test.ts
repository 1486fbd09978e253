/** `earshot transcribe` as a person meets it: many recordings, standard input, a terminal, a server. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from './job-calls.ts';
import { wavSamples } from './recordings.ts';
import {
  FIXTURES,
  ONE_OF_EACH,
  PROGRAM,
  runHere,
  runProgram,
  serveRecordings,
  startServer,
  type Finished,
} from './running-server.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'earshot-transcribe-'));
const files = await serveRecordings();
const server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const { key } = await server.createKey();
const temporary = join(folder, 'temporary');
mkdirSync(temporary);
const environment = {
  PATH: process.env['PATH'],
  DATA_DIR: join(folder, 'data'),
  TMPDIR: temporary,
  EARSHOT_CONFIG: ONE_OF_EACH,
};

/** A folder with good recordings, a broken one, and what is no recording. */
const talks = join(folder, 'talks');
mkdirSync(join(talks, 'more'), { recursive: true });
copyFileSync(join(FIXTURES, 'go-forward.mp3'), join(talks, 'forward.mp3'));
copyFileSync(join(FIXTURES, 'go-forward.ogg'), join(talks, 'forward.ogg'));
copyFileSync(join(FIXTURES, 'seven-of-clubs.webm'), join(talks, 'more', 'cards.webm'));
writeFileSync(join(talks, 'broken.wav'), 'This is no audio.');
writeFileSync(join(talks, 'notes.txt'), 'Neither is this.');

const here = (...words: string[]): Promise<Finished> => runProgram(['transcribe', ...words], environment);
const there = (...words: string[]): Promise<Finished> =>
  runProgram(['transcribe', '--server', server.url, ...words], { ...environment, EARSHOT_KEY: key });

/** Runs it with these bytes on standard input. */
async function fed(bytes: Uint8Array, ...words: string[]): Promise<Finished> {
  const running = execFile(process.execPath, [PROGRAM, 'transcribe', ...words], { env: environment });
  let [stdout, stderr] = ['', ''];
  running.stdout?.on('data', (text: string) => (stdout += text));
  running.stderr?.on('data', (text: string) => (stderr += text));
  running.stdin?.end(bytes);
  const [code] = (await once(running, 'close')) as [number];
  return { code, stdout, stderr };
}

test('a folder is heard to its end although one file is broken, and the broken one is named', async () => {
  const output = join(folder, 'texts');
  const { code, stdout, stderr } = await here(talks, '--format', 'text', '--output', output, '--parallel', '3');
  assert.deepEqual([code, stdout], [1, '']);
  const failed = stderr.split('\n').filter((line) => !line.includes('Note: ') && line !== '');
  assert.equal(failed.length, 1, stderr);
  assert.match(failed[0] ?? '', /talks\/broken\.wav: The file is not audio in a known format\./);
  assert.deepEqual(readdirSync(output, { recursive: true, encoding: 'utf8' }).toSorted(), [
    'forward.mp3.txt',
    'forward.ogg.txt',
    'more',
    'more/cards.txt',
  ]);
  assert.match(readFileSync(join(output, 'forward.mp3.txt'), 'utf8'), /^Go forward .*\n$/);
  assert.ok(!['\r', '\u001B', '█', '░'].some((part) => stderr.includes(part)), 'no progress where nobody looks');
});

test('standard input is wav, also of a length that nobody knew, or raw samples of any rate', async () => {
  const samples = wavSamples('go-forward');
  const bytes = new Uint8Array(samples.buffer);
  const asRaw = await fed(bytes, '-', '--raw', '--format', 'text');
  assert.deepEqual([asRaw.code, /forward/i.test(asRaw.stdout)], [0, true], asRaw.stderr);
  const half = new Uint8Array(samples.filter((_, index) => index % 2 === 0).buffer);
  const asHalf = await fed(half, '-', '--raw', '--rate', '8000');
  const reply = JSON.parse(asHalf.stdout) as { text: string; duration_seconds: number };
  assert.match(reply.text, /forward/i);
  assert.equal(reply.duration_seconds, Math.ceil(samples.length / 16) / 1000);
  const streamed = readFileSync(join(FIXTURES, 'go-forward.wav'));
  streamed.writeUInt32LE(0xffff_ffff, 4);
  streamed.writeUInt32LE(0xffff_ffff, streamed.indexOf('data') + 4);
  const asWav = await fed(streamed, '-');
  assert.match(asWav.stdout, /forward/i);
  assert.doesNotMatch(asWav.stdout, /audio_damaged/);
  assert.deepEqual(readdirSync(temporary), []);
});

test('a terminal has a bar with speed and time left, and the text below', async (context) => {
  const file = join(FIXTURES, 'sense-leisure.mp3');
  const words = `'${process.execPath}' '${PROGRAM}' transcribe '${file}' --format text`;
  const terminal = await run('script', ['-qec', words, '/dev/null'], { env: { ...environment, TERM: 'xterm' } }).catch(
    (error: unknown) => error as NodeJS.ErrnoException,
  );
  if (!('stdout' in terminal) || ('code' in terminal && terminal.code === 'ENOENT'))
    return context.skip('script of util-linux is not installed');
  const output = String(terminal.stdout);
  assert.match(output, /░{24} 0 %/);
  assert.match(output, /█{24} 100 % {2}[\d.]+ × real time {2}0:00 left/);
  const lines = output.split('\n').map((line) => line.slice(line.lastIndexOf('\u001B[2K')));
  assert.match(lines.at(-2) ?? '', /prudently in his power to do for them\./);
});

test('Ctrl-C at a microphone ends everything and leaves nothing behind', async (context) => {
  const child = spawn(process.execPath, [PROGRAM, 'transcribe', '-', '--raw'], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  context.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const ended = once(child, 'exit');
  child.stdin.write(new Uint8Array(3_200));
  // Everything so far has been taken, so that it waits for more.
  const spooled = (): number =>
    readdirSync(temporary)
      .map((name) => statSync(join(temporary, name, 'audio'), { throwIfNoEntry: false })?.size ?? 0)
      .reduce((bytes, size) => bytes + size, 0);
  await eventually(() => spooled() > 3_200, 'it never listened');
  // To the whole group, as a terminal sends it.
  process.kill(-(child.pid ?? Number.NaN), 'SIGINT');
  assert.deepEqual(await ended, [1, null]);
  assert.equal(stderr, 'Interrupted.\n');
  assert.deepEqual(readdirSync(temporary), []);
});

test('a server transcribes files and URLs, in every format, and only the server is charged for it', async () => {
  const file = join(FIXTURES, 'go-forward.flac');
  const one = await there(file);
  const reply = JSON.parse(one.stdout) as { text: string; cost_usd: string };
  assert.match(reply.text, /forward/i);
  assert.ok(Number(reply.cost_usd) > 0);
  const many = await there(files.url('go-forward.mp3'), file, join(talks, 'broken.wav'), '--timestamps');
  assert.equal(many.code, 1);
  const { data } = JSON.parse(many.stdout) as {
    data: { source: string; segments?: { text: string }[]; error?: { code: string } }[];
  };
  assert.deepEqual(
    data.map(({ segments, error }) => segments?.[0]?.text.slice(0, 11) ?? error?.code),
    ['Go forward ', 'Go forward ', 'unsupported_audio_format'],
  );
  assert.match((await there(file, '--format', 'srt')).stdout, /^1\n00:00:0\d,\d{3} --> .*\nGo forward/);
  const asText = await there(file, join(talks, '*', '*.webm'), '--format', 'text');
  assert.match(asText.stdout, /^==> .*go-forward\.flac <==\nGo forward.*\n\n==> .*cards\.webm <==\n.*clubs/i);
  const { stdout } = await server.earshot('usage', '--json');
  assert.equal((JSON.parse(stdout) as { total: { errors: number } }).total.errors, 1);
});

test('a server that refuses or is not there is said in a sentence', async () => {
  const file = join(FIXTURES, 'go-forward.flac');
  const refused = await there(file, '--key', 'esw_none');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /go-forward\.flac: The key is not valid/);
  const missing = await there(join(talks, 'nothing.mp3'), join(talks, 'no-*.mp3'));
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /nothing\.mp3: There is no such audio file\.\n/);
  assert.match(missing.stderr, /no-\*\.mp3: No file fits this pattern\.\n/);
});

test('what does not go together is refused with exit code 2, before anything is heard', async () => {
  const file = join(FIXTURES, 'go-forward.flac');
  const copy = join(talks, 'forward.mp3');
  for (const [words, sentence] of [
    [[], /At least one FILE/],
    [[file, '--raw'], /--raw is for samples on standard input/],
    [['-', '--rate', '8000'], /--rate goes with --raw only/],
    [['-', '-'], /heard once only/],
    [[file, '--key', 'esw_x'], /--key goes with --server only/],
    [[file, '--server', server.url], /--server needs a key/],
    [[file, '--server', server.url, '--key', 'k', '--engine', 'embedded'], /--engine goes without --server/],
    [[file, '--server', 'somewhere', '--key', 'k'], /--server must be an http or https URL/],
    [[file, copy, '--format', 'srt'], /need --output with a folder/],
    [[file, copy, '--output', copy], /--output must be a folder/],
    [[copy, '--output', copy], /would overwrite the recording/],
    [[file, file, '--output', folder], /Two recordings would be written/],
    [[file, '--language', 'english'], /--language must be a code/],
    [[file, '--parallel', '0'], /--parallel must be/],
  ] as const) {
    const { code, stdout, stderr } = await runHere(['transcribe', ...words], environment);
    assert.deepEqual([code, stdout], [2, ''], `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, sentence);
  }
});
