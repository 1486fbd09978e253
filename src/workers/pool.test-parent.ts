/** A parent that the test kills: its worker does a job of the kind of the first argument, connected to the port of the second. */
import { silentLogger } from '../core/log.ts';
import { createPool } from './pool.ts';

const pool = createPool({
  entry: new URL('./pool.test-worker.js', import.meta.url),
  name: 'test',
  size: 1,
  setup: { fails: false },
  jobsMax: 1,
  memoryBytesMax: 1_000_000_000,
  cpuMsBetweenNotesMax: Infinity,
  jobMsMax: 60_000,
  cancelGraceMs: 10_000,
  crashCode: 'engine_failed',
  niceness: 0,
  log: silentLogger,
});
const [kind, port] = process.argv.slice(2);
await pool.run({ kind, port: Number(port) }, { signal: new AbortController().signal });
