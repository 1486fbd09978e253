/** A parent that the test kills: its worker holds a connection to the port of the first argument. */
import { silentLogger } from '../core/log.ts';
import { createPool } from './pool.ts';

const pool = createPool({
  entry: new URL('./pool.test-worker.js', import.meta.url),
  name: 'test',
  size: 1,
  setup: { fails: false },
  memoryBytesMax: 1_000_000_000,
  jobMsMax: 60_000,
  cancelGraceMs: 10_000,
  crashCode: 'engine_failed',
  niceness: 0,
  log: silentLogger,
});
await pool.run({ kind: 'connect', port: Number(process.argv[2]) }, { signal: new AbortController().signal });
