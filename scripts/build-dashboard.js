// Builds the dashboard into dist/dashboard, but only where what it is made of is newer than what lies there.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const made = join(root, 'dist/dashboard/index.html');
const sources = ['dashboard', 'package-lock.json'].flatMap((name) => {
  const path = join(root, name);
  if (!statSync(path).isDirectory()) return [path];
  const inside = readdirSync(path, { recursive: true, encoding: 'utf8' });
  // A folder changes when a file in it goes.
  return [path, ...inside.map((file) => join(path, file))];
});

const madeAt = existsSync(made) ? statSync(made).mtimeMs : -Infinity;
if (sources.some((path) => statSync(path).mtimeMs > madeAt)) {
  const { build } = await import('vite');
  await build({ configFile: join(root, 'dashboard/vite.config.ts'), logLevel: 'warn' });
}
