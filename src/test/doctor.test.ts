/** `earshot doctor --live` in front of the vendors' fakes: what it says of each way in which an engine may not work. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startFakeOpenAi } from './fake-openai.ts';
import type { FakeVendor } from './fake-vendor.ts';
import { startFakeZai, zaiError } from './fake-zai.ts';
import { textOf } from './recordings.ts';
import { runProgram } from './running-server.ts';

const MODEL = 'zai-org/GLM-ASR-Nano-2512';
const folder = mkdtempSync(join(tmpdir(), 'earshot-doctor-'));
const zai = await startFakeZai({ apiKey: 'id.topsecretkey', text: textOf });
const cluster = await startFakeOpenAi({ text: textOf });
after(async () => {
  await Promise.all([zai[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]);
  rmSync(folder, { recursive: true });
});

interface Report {
  readonly code: number;
  readonly findings: Readonly<Record<string, { ok: boolean; finding: string }>>;
}

async function doctor(
  engines: Readonly<Record<string, object>>,
  words: readonly string[] = ['--live'],
  environment: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const path = join(folder, 'config.json');
  const models = { 'glm/glm-asr-2512': { engines: Object.keys(engines), list_price: { usd_per_second: '0' } } };
  writeFileSync(path, JSON.stringify({ engines, models }));
  const { code, stdout, stderr } = await runProgram(['doctor', ...words, '--json'], {
    PATH: process.env['PATH'],
    DATA_DIR: join(folder, 'data'),
    EARSHOT_CONFIG: path,
    LOG_LEVEL: 'silent',
    ...environment,
  });
  assert.equal(stderr, '');
  assert.equal(stdout.includes('topsecretkey'), false);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; finding: string }[] };
  return { code, findings: Object.fromEntries(checks.map(({ name, ...finding }) => [name, finding])) };
}

const ZAI = { type: 'zai', api_key: 'id.topsecretkey', base_url: zai.baseUrl };
const CHAT = { type: 'openai', mode: 'chat', base_url: cluster.baseUrl, model: MODEL };

test('engines that answer are said with what they heard, and nothing in the environment sends them elsewhere', async () => {
  let proxied = 0;
  const proxy = createServer((socket) => {
    proxied += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const engines = {
    zai: ZAI,
    chat: CHAT,
    upload: { ...CHAT, mode: 'transcriptions' },
    embedded: { type: 'moonshine' },
  };
  const environment = Object.fromEntries(
    ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'].map((name) => [name, proxyUrl]),
  );
  const { code, findings } = await doctor(engines, ['--live'], environment);
  proxy.close();
  assert.equal(code, 0, JSON.stringify(findings));
  for (const id of Object.keys(engines)) {
    assert.match(
      findings[`engine ${id}`]?.finding ?? '',
      /^heard "And Mr\. John\.?" in one second of speech, after \d+\.\d s; /,
    );
  }
  assert.equal(proxied, 0);
});

test('without --live engines on the network are listed and not asked', async () => {
  const before = zai.requests.length;
  const { code, findings } = await doctor({ zai: ZAI }, []);
  assert.equal(code, 0);
  assert.deepEqual(findings['engine zai'], {
    ok: true,
    finding: `configured, Z.ai at ${zai.baseUrl}, 5 at a time; \`earshot doctor --live\` asks it`,
  });
  assert.equal(zai.requests.length, before);
});

test('an engine that does not answer is said in a sentence, with exit code 1', async () => {
  const gone = await startFakeZai({ text: textOf });
  await gone[Symbol.asyncDispose]();
  zai.next({ kind: 'answer', answer: zaiError('1113') });
  const { code, findings } = await doctor({
    empty: ZAI,
    key: { ...ZAI, api_key: 'id.othertopsecretkey' },
    gone: { ...ZAI, base_url: gone.baseUrl },
    model: { ...CHAT, model: 'unknown' },
    address: { ...CHAT, base_url: `${cluster.origin}/v2` },
    good: CHAT,
  });
  assert.equal(code, 1);
  for (const [id, expected] of [
    ['empty', /^The balance at Z\.ai is exhausted: add credit there\./],
    ['key', /^Z\.ai does not accept the key: check api_key\./],
    ['gone', /^It is not reachable, or the connection broke off \(ECONNREFUSED\)\./],
    ['model', /^The server does not know the model or the address: check model and base_url\./],
    ['address', /^The server does not know the model or the address: check model and base_url\./],
  ] as const) {
    const found = findings[`engine ${id}`];
    assert.equal(found?.ok, false, id);
    assert.match(found.finding, expected);
  }
  assert.equal(findings['engine good']?.ok, true);
});

test('an engine that hangs is given up, and one that lies is found out', async () => {
  const hang = (fake: FakeVendor): void => fake.next({ kind: 'hang' });
  hang(zai);
  cluster.next({ kind: 'answer', answer: { status: 200, body: '<html>Welcome</html>' } });
  const { code, findings } = await doctor({ zai: { ...ZAI, timeout_seconds: 1 }, chat: CHAT });
  assert.equal(code, 1);
  assert.match(findings['engine zai']?.finding ?? '', /^It gave no answer within 1 s\./);
  assert.match(findings['engine chat']?.finding ?? '', /^Its reply is not what the API promises\./);
});
