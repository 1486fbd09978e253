/** Every curl, Python and TypeScript snippet of the documents, as people paste it: only host, key and URLs differ. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';

const run = promisify(execFile);
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const TSC_OPTIONS =
  '--ignoreConfig --strict --skipLibCheck --target es2023 --lib es2023,dom --module nodenext --types node';

interface Snippet {
  /** Its document, its language, and its number among those of the language there. */
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

interface Expectation {
  /** What its output must look like. */
  readonly prints: RegExp;
  /** The recording that stands for the URLs in it. */
  readonly recording?: string;
  /** What a reader would do with the result. */
  readonly followedBy?: string;
  /** Further variables of its environment. */
  readonly environment?: () => Promise<Record<string, string>>;
}

/** A snippet that is not here fails the last test. */
const EXPECTED: Readonly<Record<string, Expectation>> = {
  'README.md bash 1': { prints: /^\{"text":"",/, recording: 't-rex-roar.mp3' },
  'README.md python 1': { prints: /fabric/i },
  'README.md typescript 1': { prints: /fabric/i, followedBy: 'console.log(text);' },
  'docs/client.md typescript 1': { prints: /fabric/i, followedBy: 'console.log(text, cost_usd);' },
  'docs/client.md typescript 2': { prints: /^\d{4}-\d\d-01T00:00:00/, environment: keyWithoutMoney },
  'docs/guarantees.md bash 1': { prints: /"text":"[^"]*fabric/i },
  'docs/jobs.md bash 1': { prints: /"status":"accepted"/ },
  'docs/jobs.md typescript 1': {
    prints: /"status":"completed"/,
    followedBy:
      "console.log(JSON.stringify(verifiedJob(process.env.BODY ?? '', JSON.parse(process.env.HEADERS ?? ''))));",
    environment: deliveredWebhook,
  },
  'docs/openai.md bash 1': { prints: /leisure to consider/ },
  'docs/openai.md typescript 1': { prints: /leisure to consider/, followedBy: 'console.log(text);' },
};

const documents = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const snippets = documents.flatMap(snippetsOf);

let server: RunningServer;
let files: RecordingServer;
let key: string;
let accountId: string;
let folder: string;

before(async () => {
  files = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  ({ key, account_id: accountId } = await server.createKey());
  // Inside of the package, where its dependencies and its own name can be found.
  folder = await mkdtemp(join(import.meta.dirname, 'snippets-'));
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function snippetsOf(document: string): Snippet[] {
  const counts = new Map<string, number>();
  const blocks = readFileSync(join(ROOT, document), 'utf8').matchAll(
    /^```(bash|python|typescript)\b.*\n([\s\S]*?)^```$/gm,
  );
  return [...blocks]
    .filter(([, language, code = '']) => language !== 'bash' || /\bcurl\b/.test(code))
    .map(([, language = '', code = '']) => {
      const count = (counts.get(language) ?? 0) + 1;
      counts.set(language, count);
      return { name: `${document} ${language} ${count}`, language, code };
    });
}

/** The snippet on this server, and on a recording that is here. */
function placed(code: string, recording: string): string {
  return code
    .replaceAll('http://127.0.0.1:8080', server.url)
    .replaceAll(
      'https://example.com/hooks/earshot',
      files.serve('hook', (_, response) => response.writeHead(204).end()),
    )
    .replaceAll(/https:\/\/(?:example\.com|interactive-examples\.mdn\.mozilla\.net)\/[\w./-]*/g, files.url(recording));
}

/** A webhook as it was really delivered, and the secret that signs it. */
async function deliveredWebhook(): Promise<Record<string, string>> {
  const { stdout } = await server.earshot('webhook', 'secret', accountId, '--json');
  const { secret } = JSON.parse(stdout) as { secret: string };
  return new Promise((found) => {
    const url = files.serve('delivered', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(204).end();
        const body = Buffer.concat(chunks).toString('utf8');
        found({ WEBHOOK_SECRET: secret, BODY: body, HEADERS: JSON.stringify(request.headers) });
      });
    });
    void server.run(key, files.url('go-forward.wav'), { async: true, webhook_url: url });
  });
}

/** A key whose cap no call fits into. */
async function keyWithoutMoney(): Promise<Record<string, string>> {
  return { EARSHOT_KEY: (await server.createKey('--cap-usd', '0.000001')).key };
}

/** Runs a snippet, TypeScript after the compiler has found no fault in it, and gives what it prints. */
async function outputOf(
  { name, language, code }: Snippet,
  { recording, followedBy = '', environment }: Expectation,
): Promise<string> {
  const program = `${placed(code, recording ?? 'fabric.mp3')}\n${followedBy}\n`;
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], EARSHOT_KEY: key, ...(await environment?.()) };
  const options = { cwd: ROOT, env };
  if (language === 'bash') return (await run('bash', ['-c', program], options)).stdout;
  if (language === 'python') return (await run('python3', ['-c', program], options)).stdout;
  const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.ts`);
  await writeFile(file, program);
  const compiled = await run(process.execPath, [TSC, ...TSC_OPTIONS.split(' '), file], options).catch((error) => error);
  assert.equal(compiled.stdout, '', `${name} does not compile`);
  return (await run(process.execPath, [file.replace(/ts$/, 'js')], options)).stdout;
}

const NEEDED: Readonly<Record<string, readonly [command: string, ...words: string[]]>> = {
  bash: ['curl', '--version'],
  python: ['python3', '-c', 'import requests'],
};

async function isMissing(language: string): Promise<boolean> {
  const [command, ...words] = NEEDED[language] ?? [process.execPath, '--version'];
  return run(command, words).then(
    () => false,
    () => true,
  );
}

for (const snippet of snippets) {
  const expected = EXPECTED[snippet.name];
  if (expected === undefined) continue;
  test(`${snippet.name} does what it says`, async (context) => {
    if (await isMissing(snippet.language)) return context.skip(`${NEEDED[snippet.language]?.join(' ')} fails here`);
    assert.match(await outputOf(snippet, expected), expected.prints);
  });
}

test('no snippet goes without an expectation, and no expectation without its snippet', () => {
  assert.deepEqual(snippets.map(({ name }) => name).toSorted(), Object.keys(EXPECTED).toSorted());
});
