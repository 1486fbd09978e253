import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openTemporaryFolder } from './temporary-folder.ts';

const data = mkdtempSync(join(tmpdir(), 'earshot-folders-'));
after(() => rmSync(data, { recursive: true }));

function leaveFile(pid: number): string {
  const folder = join(data, 'temporary', String(pid));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'audio');
  writeFileSync(path, 'x');
  return path;
}

test('what a dead process or this one left is removed, what a living one works on stays, and the end removes its own', async () => {
  const { pid: deadPid } = spawnSync(process.execPath, ['--version']);
  const [dead, own, living] = [leaveFile(deadPid), leaveFile(process.pid), leaveFile(process.ppid)];
  {
    await using folder = await openTemporaryFolder(data, process.pid);
    assert.deepEqual([existsSync(dead), existsSync(own), existsSync(living)], [false, false, true]);
    assert.equal(existsSync(folder.path), true);
  }
  assert.equal(existsSync(join(data, 'temporary', String(process.pid))), false);
  assert.equal(existsSync(living), true);
});
