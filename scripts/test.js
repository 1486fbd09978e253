// Runs every compiled test. Node 20 takes no glob here, so the files are named one by one. All of them share one PostgreSQL:
// the one at DATABASE_URL, where that names one, or else one that is started here and goes when the tests have ended.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { postgresUrl } from '../dist/store/temporary-store.js';

const only = process.argv.slice(2);
const files = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
  .map((file) => join('dist', file))
  .sort();

const environment = { ...process.env, EARSHOT_TEST_POSTGRES: await postgresUrl() };
const result = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], {
  stdio: 'inherit',
  env: environment,
});
process.exit(result.status ?? 1);
