/** Where audio lies while calls work on it: a folder for each server process, under the data folder. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes this process's folder and removes those that killed ones left; disposing it removes it. Two processes with the
 * same id can't share a data folder: where servers run in containers, each has one of its own.
 */
export async function openTemporaryFolder(dataDirectory: string, pid: number): Promise<TemporaryFolder> {
  const parent = join(dataDirectory, 'temporary');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    const owner = Number(name);
    if (owner === pid || !isAlive(owner)) await rm(join(parent, name), { recursive: true, force: true });
  }
  const path = join(parent, String(pid));
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
