/** The rules of the house, executable: the import table of ARCHITECTURE.md, banned calls, and documents that must match the code. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { test } from 'node:test';
import { fileSchema } from '../config/schema.ts';
import { ERRORS } from '../core/errors.ts';
import { openApiDocument } from '../http/openapi/document.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src');

/** Calls with one owner each: what to use elsewhere stands in the sentence. */
const BANNED: readonly { pattern: RegExp; owners: readonly string[]; instead: string }[] = [
  {
    pattern: /\bprocess\.env\b/,
    owners: ['main.ts', 'store/temporary-store.ts'],
    instead: 'take the value as an argument from config',
  },
  { pattern: /\bDate\.now\(/, owners: ['core/clock.ts'], instead: 'take a Clock as an argument' },
  {
    pattern: /(?<![.\w])fetch\(/,
    owners: ['cli/quickstart.ts', 'engines/vendor-client.ts'],
    instead: 'use the guarded fetch of audio/fetch',
  },
  { pattern: /\bconsole\.\w+\(/, owners: ['workers/serve-jobs.ts'], instead: 'take a Logger as an argument' },
  { pattern: /\bMath\.random\(/, owners: [], instead: 'take a random source as an argument, or use core/ids' },
  { pattern: /(?:FIX(?:ME)|TO(?:DO)|X{3})\b/, owners: [], instead: 'finish it, or write it into the documents' },
];

/** They stand outside of the product: they start it, call it and read settings of their own. */
const MEASURING_FOLDERS = ['test', 'bench'];

/** Folder names that say nothing. */
const EMPTY_NAMES = ['utils', 'shared', 'common', 'helpers', 'types', 'services'];

const files = sourceFiles();

test('every import follows the table in ARCHITECTURE.md', () => {
  const table = dependencyTable();
  const wrong = files.flatMap(({ path, text }) =>
    imports(text)
      .filter((target) => target.startsWith('.'))
      .map((target) => ({
        from: folderOf(path),
        to: folderOf(relative(SOURCE, resolve(SOURCE, path, '..', target))),
        target,
      }))
      .filter(({ from, to }) => from !== to && table.get(from)?.includes(to) !== true)
      .map(
        ({ from, target }) =>
          `${path}: ${from} may not import ${target}; it may import ${table.get(from)?.join(', ') ?? 'nothing: it has no row in the table'}`,
      ),
  );
  assert.deepEqual(wrong, []);
});

test('every row of the table in ARCHITECTURE.md is a folder, and arrows only point downwards', () => {
  const rows = [...dependencyTable().entries()];
  const present = new Set(files.map(({ path }) => folderOf(path)));
  assert.deepEqual(rows.map(([folder]) => folder).toSorted(), [...present].toSorted());
  rows.forEach(([folder, targets], index) => {
    const below = new Set(rows.slice(0, index).map(([name]) => name));
    assert.deepEqual(
      targets.filter((target) => !below.has(target)),
      [],
      `${folder} imports something that stands above it`,
    );
  });
});

test('no source file uses a call that belongs to another', () => {
  const wrong = files
    .filter(({ path }) => !path.endsWith('.test.ts') && !MEASURING_FOLDERS.includes(folderOf(path)))
    .flatMap(({ path, text }) =>
      BANNED.filter(({ pattern, owners }) => !owners.includes(path) && pattern.test(withoutComments(text))).map(
        ({ pattern, instead }) => `${path}: ${pattern.source} is banned here; ${instead}`,
      ),
    );
  assert.deepEqual(wrong, []);
});

test('the client imports nothing but itself, and so runs where there is no Node', () => {
  const wrong = files
    .filter(({ path }) => folderOf(path) === 'client')
    .flatMap(({ path, text }) => imports(text).map((target) => ({ path, target })))
    .filter(({ target }) => !target.startsWith('./'));
  assert.deepEqual(wrong, []);
});

test('no folder has a name that says nothing', () => {
  const wrong = files.filter(({ path }) =>
    path.split('/').some((part) => EMPTY_NAMES.includes(part.replace(/\.ts$/, ''))),
  );
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test('docs/errors.md and the table of errors agree, code by code', () => {
  const documented = [
    ...readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').matchAll(/^\| `(\w+)` \| (\d{3}) \| `(\w+)` \| (.+?) \|$/gm),
  ];
  const rows = Object.entries(ERRORS).map(([code, { status, type, message }]) => ({ code, status, type, message }));
  assert.deepEqual(
    documented.map(([, code, status, type, message]) => ({ code, status: Number(status), type, message })),
    rows,
  );
});

test('docs/guarantees.md has every limit that a caller can meet', () => {
  const page = readFileSync(join(ROOT, 'docs/guarantees.md'), 'utf8');
  const inside = ['decoders', 'jobs'];
  const missing = Object.keys(fileSchema.parse({}).limits).filter((name) => !page.includes(`\`${name}\``));
  assert.deepEqual(missing, inside);
});

test('docs/openapi.json is what the server serves; `npm run openapi` writes it anew', () => {
  const committed = readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8');
  assert.equal(committed, `${JSON.stringify(openApiDocument(), null, 2)}\n`);
});

test('every route for callers is in the OpenAPI document, and nothing else is', () => {
  const routes = files
    .filter(({ path }) => path.startsWith('http/routes/') && /\/routes?\.ts$/.test(path))
    .flatMap(({ text }) => [...text.matchAll(/'(\/(?:v1|health|metrics)\b[\w/:*]*)'/g)].map(([, path = '']) => path))
    .filter((path) => !path.endsWith('/'))
    .map((path) => path.replace(/:id$|\*$/, '{id}'));
  assert.deepEqual([...new Set(routes)].toSorted(), Object.keys(openApiDocument()['paths'] as object).toSorted());
});

test('every runtime dependency is named in docs/decisions', () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const decisions = readdirSync(join(ROOT, 'docs/decisions'))
    .map((file) => readFileSync(join(ROOT, 'docs/decisions', file), 'utf8'))
    .join('\n');
  const missing = Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => !decisions.includes(`\`${name}\``),
  );
  assert.deepEqual(missing, []);
});

function sourceFiles(): { path: string; text: string }[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path: path.split(sep).join('/'), text: readFileSync(join(SOURCE, path), 'utf8') }));
}

function dependencyTable(): Map<string, string[]> {
  const section = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').split('## Folders')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| (\w+) \| [^|]+ \|([^|]*)\|$/gm)].filter(([, folder]) => folder !== 'folder');
  return new Map(
    rows.map(([, folder = '', targets = '']) => [
      folder,
      targets
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ]),
  );
}

function folderOf(path: string): string {
  return path.split(/[/\\]/)[0]?.replace(/\.ts$/, '') ?? '';
}

function imports(text: string): string[] {
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, target = '']) => target);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<!:)\/\/.*$/gm, '');
}

test('every sentence of the server that the dashboard translates is one that the server says', () => {
  const words = readFileSync(join(ROOT, 'dashboard/src/words/zh-errors.ts'), 'utf8');
  const [, messages = ''] = /const MESSAGES[^{]*\{(.*?)^\};/ms.exec(words) ?? [];
  const sentences = [...messages.matchAll(/^ {2}'((?:[^'\\]|\\.)+)':/gm)].map(([, sentence = '']) => sentence);
  assert.ok(sentences.length > 5);
  const source = files.map(({ text }) => text).join('\n');
  assert.deepEqual(
    sentences.filter((sentence) => !source.includes(sentence)),
    [],
  );
});
