/** What the first run makes under the data folder. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The secret that is mixed into key digests. It is made once and kept beside the database; without it no stored key
 * can be checked any more. Two processes that start at once agree, since the link is made by one of them only.
 */
export function keyPepper(dataDirectory: string): string {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const path = join(dataDirectory, 'key-pepper');
  if (!existsSync(path)) makeOnce(path, randomBytes(32).toString('hex'));
  return readFileSync(path, 'utf8');
}

function makeOnce(path: string, content: string): void {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}
