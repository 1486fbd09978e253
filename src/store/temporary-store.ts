/** For tests: a database of its own in a folder that goes with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store, type StoreOptions } from './store.ts';

export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'earshot-store-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export async function openTemporaryStore(
  options: Omit<StoreOptions, 'path' | 'role'>,
): Promise<Store & { readonly path: string }> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'earshot.db');
  const store = await openStore({ role: 'server', ...options, path });
  return {
    ...store,
    path,
    async [Symbol.asyncDispose]() {
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
