import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManifestError, readManifest } from './manifest.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-manifest-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(...lines: readonly (string | object)[]): string {
  const path = join(folder, 'manifest.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

test('paths are relative to the manifest, URLs stay, and a range is a part of the id', async () => {
  const path = write(
    { audio: 'a/b.wav', reference: 'One.', language: 'en' },
    '',
    { audio: 'https://example.com/c.mp3', reference: '', language: 'zh-CN' },
    { audio: 'a/b.wav', reference: 'Two.', language: 'en', begin: 1.5, end: 2 },
    { audio: 'a/b.wav', reference: 'One again.', language: 'en' },
  );
  assert.deepEqual(await readManifest(path), [
    { id: 'a/b.wav', audio: join(folder, 'a/b.wav'), reference: 'One.', language: 'en' },
    { id: 'https://example.com/c.mp3', audio: 'https://example.com/c.mp3', reference: '', language: 'zh-CN' },
    {
      id: 'a/b.wav#1.5-2',
      audio: join(folder, 'a/b.wav'),
      reference: 'Two.',
      language: 'en',
      range: { begin: 1.5, end: 2 },
    },
    { id: 'a/b.wav (2)', audio: join(folder, 'a/b.wav'), reference: 'One again.', language: 'en' },
  ]);
});

test('every wrong line is named with what is wrong in it', async () => {
  const path = write(
    { audio: 'a.wav', reference: 'One.', language: 'en' },
    '{"audio": "b.wav"',
    { audio: 'c.wav', reference: 'Three.' },
    { audio: 'd.wav', reference: 'Four.', language: 'English' },
    { audio: 'e.wav', reference: 'Five.', language: 'en', speaker: 'x' },
    { audio: 'f.wav', reference: 'Six.', language: 'en', begin: 3, end: 2 },
    '[]',
  );
  await assert.rejects(readManifest(path), (error) => {
    assert.ok(error instanceof ManifestError);
    const lines = error.message.split('\n').map((line) => line.slice(path.length));
    assert.match(lines[0] ?? '', /^:2: is not a JSON object/);
    assert.match(lines[1] ?? '', /^:3: "language" must be a language code/);
    assert.match(lines[2] ?? '', /^:4: "language" must be a language code/);
    assert.match(lines[3] ?? '', /^:5: there is no member speaker/);
    assert.match(lines[4] ?? '', /^:6: "end" must be above "begin"/);
    assert.match(lines[5] ?? '', /^:7: is not a JSON object/);
    return true;
  });
});

test('a manifest that is missing, empty or wrong on every line is said in a few sentences', async () => {
  await assert.rejects(readManifest(join(folder, 'none.jsonl')), /none\.jsonl cannot be read/);
  await assert.rejects(readManifest(write('', '')), /names no recordings/);
  await assert.rejects(readManifest(write(...Array.from({ length: 50 }, () => 'x'))), /and 40 more\.$/);
});
