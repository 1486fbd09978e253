import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openResultsFile, type Heard, type Subject } from './results-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-results-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SUBJECT: Subject = { model: 'a/b', engine: null };
const HEARD: Heard = { text: 'One.', engine: 'embedded', audioSeconds: 2, processingSeconds: 0.5, warnings: [] };

async function append(path: string, id: string, heard: Heard = HEARD): Promise<void> {
  await using file = await openResultsFile(path, SUBJECT);
  await file.append(id, heard);
}

async function ids(path: string, subject = SUBJECT): Promise<string[]> {
  await using file = await openResultsFile(path, subject);
  return [...file.earlier.keys()];
}

test('what one run wrote, the next one reads; a later line about the same recording counts', async () => {
  const path = join(folder, 'deep/results.jsonl');
  await append(path, 'one');
  {
    await using file = await openResultsFile(path, SUBJECT);
    await file.append('two', { error: 'engine_failed: It failed.' });
    await file.append('two', HEARD);
  }
  await using file = await openResultsFile(path, SUBJECT);
  assert.deepEqual(
    [...file.earlier],
    [
      ['one', HEARD],
      ['two', HEARD],
    ],
  );
});

test('wherever a crash cuts the file off, the complete lines are taken and the rest is written again', async () => {
  const path = join(folder, 'torn.jsonl');
  await append(path, 'one');
  await append(path, 'zwölf');
  const whole = readFileSync(path);
  for (let length = 0; length <= whole.length; length += 1) {
    writeFileSync(path, whole.subarray(0, length));
    const complete = whole.subarray(0, length).toString('utf8').split('\n').length - 1;
    assert.deepEqual(await ids(path), ['one', 'zwölf'].slice(0, Math.max(complete - 1, 0)));
    await append(path, 'more');
    assert.equal((await ids(path)).at(-1), 'more', `after ${length} bytes`);
  }
});

test('results of another model or engine are not mixed, and a broken line is named', async () => {
  const path = join(folder, 'other.jsonl');
  await append(path, 'one');
  await assert.rejects(ids(path, { model: 'a/b', engine: 'x' }), /holds results of a\/b; name another file/);
  await assert.rejects(ids(path, { model: 'c', engine: null }), /holds results of a\/b/);
  appendFileSync(path, '{"id": 3}\n');
  await assert.rejects(ids(path), /other\.jsonl:3: is no line of an evaluation/);
});
