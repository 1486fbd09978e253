/** The three snippets of the API's quickstart, in the shape in which people paste them: only host, key and URL differ. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';

const run = promisify(execFile);
const README = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

let server: RunningServer;
let files: RecordingServer;
let environment: Record<string, string | undefined>;
let folder: string;

before(async () => {
  files = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  const { key } = await server.createKey();
  environment = { PATH: process.env['PATH'], HOME: process.env['HOME'], EARSHOT_KEY: key };
  folder = await mkdtemp(join(tmpdir(), 'earshot-snippets-'));
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The README's snippet in a language, on this server and on a recording that is here. */
function snippet(language: string, containing: string, recording: string): string {
  const blocks = [...README.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code = '']) => code,
  );
  const found = blocks.find((code) => code.includes(containing));
  assert.ok(found !== undefined, `the README has no ${language} snippet with ${containing}`);
  return found
    .replaceAll('http://127.0.0.1:8080', server.url)
    .replaceAll(/https:\/\/(?:example\.com|interactive-examples\.mdn\.mozilla\.net)\/[\w./-]*/g, files.url(recording));
}

async function isInstalled(command: string, ...words: string[]): Promise<boolean> {
  return run(command, words).then(
    () => true,
    () => false,
  );
}

test('curl: the roar gives 200 with an empty text', async (context) => {
  if (!(await isInstalled('curl', '--version'))) return context.skip('curl is not installed');
  const { stdout } = await run('bash', ['-c', snippet('bash', '/v1/run', 't-rex-roar.mp3')], { env: environment });
  assert.equal((JSON.parse(stdout) as { text: string }).text, '');
});

test('Python with requests prints the text', async (context) => {
  if (!(await isInstalled('python3', '-c', 'import requests')))
    return context.skip('python3 with requests is not installed');
  const { stdout } = await run('python3', ['-c', snippet('python', 'requests.post', 'fabric.mp3')], {
    env: environment,
  });
  assert.match(stdout, /fabric/i);
});

test('TypeScript with fetch gives the text', async () => {
  const program = join(folder, 'snippet.mjs');
  await writeFile(program, `${snippet('typescript', 'await fetch', 'fabric.mp3')}\nconsole.log(text);\n`);
  const { stdout } = await run(process.execPath, [program], { env: environment });
  assert.match(stdout, /fabric/i);
});
