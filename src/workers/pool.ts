/**
 * A pool of child processes that do jobs and can be killed: where hostile bytes are decoded and where
 * models run. A process, not a thread, because a crash or a leak in a native library must not take the server with it,
 * and because only the end of a process returns its memory for certain.
 */
import { setMaxListeners } from 'node:events';
import { AppError } from '../core/errors.ts';
import { WorkerProcess, type RunOptions, type Task, type WorkerOptions } from './worker-process.ts';

export type { RunOptions } from './worker-process.ts';

export interface PoolOptions extends WorkerOptions {
  /** Number of processes. */
  readonly size: number;
}

export interface Pool extends AsyncDisposable {
  readonly size: number;
  /** Resolves once every process has finished its set-up; rejects with `engine_unavailable` where they cannot. */
  readonly started: Promise<void>;
  /** Whether at least one process is up. */
  ready(): boolean;
  /** Process ids, for tests and for `doctor`. */
  pids(): readonly number[];
  /**
   * Runs one job on the process that has the fewest, waiting, in order, where all have as many as they take. Where the
   * process ends through another of its jobs it begins anew; where nobody knows which one it was, each by itself.
   *
   * After an abort it rejects with the signal's reason once the work has really stopped: by itself within the grace
   * time, or by the end of its process. An `AppError` that the job raises arrives with its code, message, param and
   * detail; a process that crashes or exceeds a limit gives the pool's crash code and is replaced. Without a process
   * that starts it is `engine_unavailable`, after the pool's end `shutting_down`.
   */
  run<Result>(job: unknown, options: RunOptions): Promise<Result>;
}

/** Failed starts in a row after which the pool calls itself unavailable. It goes on trying, ever more slowly. */
const START_FAILURES_MAX = 3;
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 30_000;

/** Starts `size` processes at once; disposing the pool kills them. */
export function createPool(options: PoolOptions): Pool {
  const pool = new ProcessPool(options);
  for (let count = 0; count < options.size; count += 1) pool.startWorker();
  return pool;
}

interface Waiting {
  readonly task: Task;
  readonly stopWaiting: () => void;
}

class ProcessPool implements Pool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #waiting: Waiting[] = [];
  readonly #started = withResolvers();
  #failedStarts = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#options.size;
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  ready(): boolean {
    return [...this.#workers].some((worker) => worker.ready);
  }

  pids(): readonly number[] {
    return [...this.#workers].flatMap((worker) => worker.pid ?? []);
  }

  run<Result>(job: unknown, options: RunOptions): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const { signal } = options;
      if (signal.aborted) return reject(signal.reason);
      if (this.#closed) return reject(new AppError('shutting_down'));
      if (this.#broken()) return reject(this.#unavailable('They have failed several times in a row.'));
      const task: Task = { job, options, resolve: (result) => resolve(result as Result), reject, alone: false };
      this.#waiting.push(this.#waitingOf(task));
      this.#dispatch();
    });
  }

  #waitingOf(task: Task): Waiting {
    const { signal } = task.options;
    const leaveQueue = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      task.reject(signal.reason);
    };
    // Many tasks may share one signal: that is no leak, as each takes its listener away when it stops waiting.
    setMaxListeners(0, signal);
    const waiting = { task, stopWaiting: () => signal.removeEventListener('abort', leaveQueue) };
    signal.addEventListener('abort', leaveQueue, { once: true });
    return waiting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new AppError('shutting_down');
    this.#closed = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    this.#rejectWaiting(reason);
    this.#started.reject(reason);
    await Promise.all([...this.#workers].map((worker) => worker.end(reason)));
  }

  startWorker(): void {
    const worker: WorkerProcess = WorkerProcess.start(this.#options, {
      onFree: () => this.#onFree(),
      onBereft: (task) => {
        if (this.#closed) task.reject(new AppError('shutting_down'));
        else this.#waiting.unshift(this.#waitingOf(task));
      },
      onEnd: (wasReady, complaint) => {
        this.#workers.delete(worker);
        if (this.#closed) return;
        this.#dispatch();
        if (wasReady) this.startWorker();
        else this.#onFailedStart(complaint);
      },
    });
    this.#workers.add(worker);
  }

  #onFree(): void {
    this.#failedStarts = 0;
    const ready = [...this.#workers].filter((worker) => worker.ready);
    if (ready.length === this.#options.size) this.#started.resolve();
    this.#dispatch();
  }

  /** A broken installation must neither spin nor let callers wait, but may be mended while the server runs. */
  #onFailedStart(complaint: string): void {
    this.#failedStarts += 1;
    if (this.#broken()) {
      const reason = this.#unavailable(complaint.trim());
      this.#started.reject(reason);
      this.#rejectWaiting(reason);
    }
    const delayMs = Math.min(RESTART_DELAY_MS * 2 ** this.#failedStarts, RESTART_DELAY_MS_MAX);
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      this.startWorker();
    }, delayMs);
    this.#restarts.add(restart);
  }

  #broken(): boolean {
    return this.#failedStarts >= START_FAILURES_MAX && !this.ready();
  }

  #unavailable(why: string): AppError {
    return new AppError('engine_unavailable', { detail: `The ${this.#options.name} processes do not start. ${why}` });
  }

  #dispatch(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { task, stopWaiting } = next;
      const [worker] = [...this.#workers]
        .filter((each) => each.takes(task))
        .toSorted((one, other) => one.load - other.load);
      if (worker === undefined) return;
      this.#waiting.shift();
      stopWaiting();
      worker.run(task);
    }
  }

  #rejectWaiting(reason: AppError): void {
    for (const { task, stopWaiting } of this.#waiting.splice(0)) {
      stopWaiting();
      task.reject(reason);
    }
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve = (): void => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever awaits it hears of the failure; nobody has to.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
