/** The child's half of the pool: jobs, each told to stop by an abort signal of its own. */
import { Worker } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import type { FromWorker, JobFailure, ToWorker } from './protocol.ts';

export interface JobContext {
  /** Aborted when the parent cancels: check it between steps, or the process is killed after the grace time. */
  readonly signal: AbortSignal;
  /** Sends something to the parent on the way. */
  note(value: unknown): void;
  /** Gives the listener every message that the parent sends to this job, those from before this call too. */
  onMessage(listener: (message: unknown) => void): void;
}

/** What a worker does: a function made once from the set-up, then called for each job. */
export type WorkerSetup = (setup: unknown) => Promise<(job: unknown, context: JobContext) => Promise<unknown>>;

/** Serves the parent's jobs until the parent ends the process or goes away itself. */
export function serveJobs(prepare: WorkerSetup): void {
  let handle: ReturnType<WorkerSetup> | null = null;
  const running = new Map<number, RunningJob>();

  // The terminal's Ctrl-C and a service manager's SIGTERM reach the whole group; the parent decides when a worker ends.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit(0));
  watchParent();
  process.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'setup':
        handle = prepare(message.setup);
        handle.then(() => send({ type: 'ready' }), failStart);
        break;
      case 'job':
        stopIdleTimer();
        void run(message.id, message.job);
        break;
      // These may be late for a job that has just ended.
      case 'message':
        running.get(message.id)?.take(message.message);
        break;
      case 'cancel':
        running.get(message.id)?.cancel();
        break;
    }
  });

  async function run(id: number, job: unknown): Promise<void> {
    const context = new RunningJob(id);
    running.set(id, context);
    let outcome: FromWorker;
    try {
      const work = await handle;
      if (work === null) throw new Error('A job came before the set-up.');
      outcome = { type: 'done', id, result: await work(job, context) };
    } catch (error) {
      outcome = failed(id, error);
    }
    running.delete(id);
    send(outcome);
    collectOutside(running.size === 0);
  }
}

/** So much garbage outside of the heap may lie between jobs that follow one another. */
const GARBAGE_BYTES_MAX = 32 * 2 ** 20;
/** And so much in a process that has nothing to do. */
const IDLE_GARBAGE_BYTES_MAX = 8 * 2 ** 20;
const IDLE_MS = 100;
/** What is in use there, for all we know: never more than the least that was seen since the last collection. */
let outsideBytes = Infinity;
let idleTimer: NodeJS.Timeout | null = null;

/**
 * Samples and tensors lie outside of the heap, whose collector sees no hurry: the next jobs would come on top of them. A
 * collection takes longer than a short job does, so that it waits for a pause, while the garbage is small.
 */
function collectOutside(idle: boolean): void {
  const { external } = process.memoryUsage();
  outsideBytes = Math.min(outsideBytes, external);
  if (external - outsideBytes > GARBAGE_BYTES_MAX) {
    collect();
  } else if (idle && external - outsideBytes > IDLE_GARBAGE_BYTES_MAX) {
    idleTimer ??= setTimeout(collect, IDLE_MS);
    idleTimer.refresh();
  }
}

function collect(): void {
  stopIdleTimer();
  globalThis.gc?.();
  outsideBytes = process.memoryUsage().external;
}

/** A timer that was cleared can't be refreshed: the next rest begins with a new one. */
function stopIdleTimer(): void {
  clearTimeout(idleTimer ?? undefined);
  idleTimer = null;
}

/** Its memory is bounded, since it is a whole engine for one line of code. */
function watchParent(): void {
  const watch = new Worker(new URL('./parent-watch.js', import.meta.url), {
    workerData: process.ppid,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  });
  watch.unref();
}

class RunningJob implements JobContext {
  readonly #id: number;
  readonly #controller = new AbortController();
  readonly #early: unknown[] = [];
  #listener: ((message: unknown) => void) | null = null;

  constructor(id: number) {
    this.#id = id;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  note(value: unknown): void {
    send({ type: 'note', id: this.#id, note: value });
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) listener(message);
  }

  take(message: unknown): void {
    if (this.#listener === null) this.#early.push(message);
    else this.#listener(message);
  }

  cancel(): void {
    this.#controller.abort(new Error('The job was canceled.'));
  }
}

function failed(id: number, error: unknown): JobFailure {
  if (error instanceof AppError) {
    const { code, message, param, detail } = error;
    return { type: 'failed', id, code, message, param, detail };
  }
  const message = String(error instanceof Error ? error.stack : error);
  return { type: 'failed', id, code: null, message, param: null, detail: undefined };
}

function send(message: FromWorker): void {
  // A parent that is gone hears nothing; `disconnect` ends this process.
  process.send?.(message, () => {});
}

function failStart(error: unknown): void {
  console.error(error);
  process.exit(1);
}
