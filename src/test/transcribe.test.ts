/** The main job through the real surface: the compiled server, real HTTP, real recordings. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { treeMemoryMib } from './process-tree.ts';
import { FORMATS, recordings, wavFile, wavSamples } from './recordings.ts';
import { FIXTURES, serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';
import { wordErrors, wordErrorRate } from './word-error-rate.ts';

const FULL = process.env['EARSHOT_TEST_FULL'] === '1';

let server: RunningServer;
let files: RecordingServer;
let key: string;

before(async () => {
  files = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort, EARSHOT_CONFIG: '' } });
  ({ key } = await server.createKey('--cap-usd', '5'));
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

interface Reply {
  text: string;
  id: string;
  model: string;
  engine: string;
  engines: string[];
  duration_seconds: number;
  usage: { type: string; input_tokens: number; output_tokens: number; total_tokens: number; estimated: boolean };
  cost_usd: string;
  warnings: { code: string }[];
  client_request_id?: string;
}

async function transcribe(url: string, more: Record<string, unknown> = {}): Promise<Reply> {
  const response = await server.run(key, url, more);
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return JSON.parse(body) as Reply;
}

/** Every recording in every format in `npm run test:full`; else every one in two of them, and every format several times. */
function formatsOf(index: number): readonly string[] {
  return FULL ? FORMATS : [0, 1].map((turn) => FORMATS[(index + 3 * turn) % FORMATS.length] ?? '');
}

test('ten recordings of at least four voices in six formats come out with a word error rate of at most 0.1', async () => {
  const all = recordings();
  assert.ok(all.length >= 10 && new Set(all.map(({ voice }) => voice)).size >= 4);
  let errors = 0;
  let words = 0;
  await Promise.all(
    all.map(async ({ name, text }, index) => {
      for (const format of formatsOf(index)) {
        const reply = await transcribe(files.url(`${name}.${format}`));
        const result = wordErrors(text, reply.text);
        errors += result.errors;
        words += result.words;
      }
    }),
  );
  assert.ok(errors / words <= 0.1, `${errors} errors in ${words} words`);
});

test('the same recording has the same length, and so the same price, in every format', async () => {
  const lengths = await Promise.all(
    FORMATS.map(async (format) => (await transcribe(files.url(`fabric.${format}`))).duration_seconds),
  );
  for (const length of lengths) assert.ok(Math.abs(length - 10.6) <= 0.05, lengths.join(' '));
});

for (const name of ['silence.wav', 'noise.wav', 'tone.wav', 't-rex-roar.mp3']) {
  test(`${name} gives 200 with an empty text, and is charged for its audio`, async () => {
    const reply = await transcribe(files.url(name));
    assert.equal(reply.text, '');
    assert.ok(reply.usage.input_tokens > 0);
    assert.notEqual(reply.cost_usd, '0');
  });
}

test('recordings turned down by 40 dB lose at most 0.05 in word error rate', { skip: !FULL }, async () => {
  const [whole, quiet] = [
    { errors: 0, words: 0 },
    { errors: 0, words: 0 },
  ];
  for (const { name, text } of recordings()) {
    const samples = wavSamples(name).map((sample) => Math.round(sample / 100));
    const url = files.serve(`quiet-${name}`, (_, response) => response.end(wavFile(samples)));
    for (const [total, reply] of [
      [whole, await transcribe(files.url(`${name}.wav`))],
      [quiet, await transcribe(url)],
    ] as const) {
      const { errors, words } = wordErrors(text, reply.text);
      total.errors += errors;
      total.words += words;
    }
  }
  const [before40, after40] = [whole.errors / whole.words, quiet.errors / quiet.words];
  assert.ok(after40 <= before40 + 0.05, `${before40} became ${after40}`);
});

for (const secondsWanted of FULL ? [46, 140] : [46]) {
  test(`${secondsWanted} s of continuous speech come out whole and without a loop`, async () => {
    const spoken: Int16Array[] = [];
    const texts: string[] = [];
    let seconds = 0;
    for (let turn = 0; seconds < secondsWanted; turn += 1) {
      const all = recordings().filter(({ name }) => wavSamples(name).length > 80_000);
      const recording = all[turn % all.length];
      if (recording === undefined) break;
      const samples = wavSamples(recording.name);
      spoken.push(samples);
      texts.push(recording.text);
      seconds += samples.length / 16_000;
    }
    const whole = new Int16Array(spoken.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const samples of spoken) {
      whole.set(samples, offset);
      offset += samples.length;
    }
    const url = files.serve(`long-${secondsWanted}`, (_, response) => response.end(wavFile(whole)));
    const reply = await transcribe(url);
    assert.ok(Math.abs(reply.duration_seconds - seconds) < 0.001);
    const rate = wordErrorRate(texts.join(' '), reply.text);
    assert.ok(rate <= 0.1, `word error rate ${rate}: ${reply.text}`);
  });
}

test('the reply has every member of the contract, and its figures agree with each other', async () => {
  const response = await server.run(key, files.url('fabric.mp3'), { request_id: 'my-label.1', user_id: 'user-0001' });
  const reply = (await response.json()) as Reply;
  assert.equal(response.headers.get('x-request-id'), reply.id);
  assert.match(reply.id, /^req_\w+$/);
  assert.equal(response.headers.get('x-earshot-engine'), 'embedded');
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), '600');
  assert.match(response.headers.get('x-ratelimit-remaining-requests') ?? '', /^\d+$/);
  assert.ok(response.headers.has('x-ratelimit-reset-requests'));
  assert.equal(reply.client_request_id, 'my-label.1');
  assert.equal(reply.model, 'glm/glm-asr-2512');
  assert.deepEqual(reply.engines, ['embedded']);
  assert.deepEqual(
    reply.warnings.map(({ code }) => code),
    ['stand_in_engine'],
  );
  const milliseconds = Math.round(reply.duration_seconds * 1000);
  assert.equal(reply.usage.input_tokens, Math.ceil((milliseconds * 80_000) / 60_000));
  assert.equal(reply.usage.total_tokens, reply.usage.input_tokens + reply.usage.output_tokens);
  // $0.03 per 1M tokens are 30 nano-dollars a token.
  const nano = BigInt(reply.cost_usd.split('.')[1]?.padEnd(9, '0') ?? '0');
  assert.equal(nano, BigInt(reply.usage.total_tokens) * 30n);
});

test('moonshine/tiny is the embedded engine itself: no stand-in, and free by its default price', async () => {
  const reply = await transcribe(files.url('go-forward.wav'), { model: 'moonshine/tiny' });
  assert.deepEqual(reply.warnings, []);
  assert.equal(reply.cost_usd, '0');
});

test('a data: URL is transcribed like a file', async () => {
  const audio = readFileSync(join(FIXTURES, 'go-forward.mp3')).toString('base64');
  const reply = await transcribe(`data:audio/mpeg;base64,${audio}`);
  assert.match(reply.text, /forward/i);
});

test('hints that the engine cannot use come back as warnings that name them', async () => {
  const { warnings } = await transcribe('', {
    inputs: { audio: files.url('go-forward.wav'), language: 'zh', prompt: 'p', hotwords: ['ten'] },
  });
  const codes = warnings.map(({ code }) => code);
  for (const code of ['language_not_supported', 'prompt_not_supported', 'hotwords_not_supported'])
    assert.ok(codes.includes(code), codes.join());
});

async function twentyCalls(): Promise<{ errors: number; words: number }> {
  const all = recordings();
  const results = await Promise.all(
    Array.from({ length: 20 }, async (_, turn) => {
      const recording = all[turn % all.length];
      assert.ok(recording !== undefined);
      const format = FORMATS[turn % FORMATS.length];
      const { text } = await transcribe(files.url(`${recording.name}.${format}`));
      return wordErrors(recording.text, text);
    }),
  );
  return results.reduce((sum, { errors, words }) => ({ errors: sum.errors + errors, words: sum.words + words }));
}

test('twenty parallel calls all answer right, and memory returns: more rounds of them hold no more', async (context) => {
  const { errors, words } = await twentyCalls();
  assert.ok(errors / words <= 0.1, `${errors} errors in ${words} words`);
  const { pid } = server.process;
  if (process.platform !== 'linux' || pid === undefined)
    return context.diagnostic('memory is read from /proc, which is not here');
  const afterOne = treeMemoryMib(pid);
  for (let round = 0; round < (FULL ? 3 : 1); round += 1) await twentyCalls();
  const afterMore = treeMemoryMib(pid);
  assert.ok(afterMore <= afterOne + 64, `${afterOne} MiB became ${afterMore} MiB`);
});

test('what was answered is what the ledger, the key and the usage say', async () => {
  const { key: fresh, key_id, account_id } = await server.createKey('--cap-usd', '1');
  const replies: Reply[] = [];
  for (const name of ['fabric.mp3', 'storm.ogg', 'silence.wav']) {
    replies.push((await (await server.run(fresh, files.url(name))).json()) as Reply);
  }
  const total = replies.reduce((sum, { cost_usd }) => sum + Number(cost_usd) * 1e9, 0);
  const status = await server.keyStatus(fresh);
  assert.equal(status.key_id, key_id);
  assert.equal(Math.round(Number(status.spent_usd) * 1e9), Math.round(total));
  assert.equal(status.held_usd, '0');
  assert.equal(Math.round(Number(status.remaining_usd) * 1e9), 1e9 - Math.round(total));
  const usage = JSON.parse((await server.earshot('usage', '--account', account_id, '--json')).stdout);
  assert.equal(usage.total.requests, 3);
  assert.equal(Math.round(Number(usage.total.cost_usd) * 1e9), Math.round(total));
  const verified = await server.verify();
  assert.deepEqual([verified.balanced, verified.open_holds, verified.differences], [true, 0, []]);
});

test('the log holds no key, no path of a URL and no transcript', async () => {
  const url = files.serve('secret-path-4711', (_, response) =>
    response.end(readFileSync(join(FIXTURES, 'fabric.mp3'))),
  );
  await transcribe(url);
  const log = server.log();
  assert.match(log, /"route":"\/v1\/run"/);
  for (const secret of [key, key.slice(17), 'secret-path-4711', 'shrinkage'])
    assert.ok(!log.includes(secret), `the log holds ${secret}`);
  for (const line of log.trim().split('\n')) JSON.parse(line);
});
