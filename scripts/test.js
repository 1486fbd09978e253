// Runs every compiled test. Node 20 takes no glob here, so the files are named one by one. All of them share one PostgreSQL:
// the one at DATABASE_URL, where that names one, or else one that is started here and goes when the tests have ended.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { postgresUrl } from '../dist/store/temporary-store.js';

const only = process.argv.slice(2);
const files = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
  .map((file) => join('dist', file))
  .sort();

const environment = { ...process.env, EARSHOT_TEST_POSTGRES: await postgresUrl() };
// As many files side by side as there are cores; by itself the runner would leave one core to itself.
const concurrency = `--test-concurrency=${availableParallelism()}`;
// One that waits for ever is named, rather than keeping everything else from being reported.
const timeout = `--test-timeout=${(process.env.EARSHOT_TEST_FULL === '1' ? 240 : 10) * 60_000}`;
const result = spawnSync(process.execPath, ['--enable-source-maps', '--test', concurrency, timeout, ...files], {
  stdio: 'inherit',
  env: environment,
});
process.exit(result.status ?? 1);
