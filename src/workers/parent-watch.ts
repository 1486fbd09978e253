/**
 * A thread of each worker process that ends the process once its parent is gone. The main thread hears of that as soon as
 * it listens, and cleans up; this one is for a main thread that never listens again.
 */
import { workerData } from 'node:worker_threads';

const CHECK_MS = 1000;

const parentPid = workerData as number;

setInterval(() => {
  if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL');
}, CHECK_MS);
