import { fork, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { FromWorker, JobFailure, ToWorker } from './protocol.ts';

export interface WorkerOptions {
  /** The compiled module that calls `serveJobs`. */
  readonly entry: URL;
  /** A short name for the log. */
  readonly name: string;
  /** Sent to the process at its start. */
  readonly setup: unknown;
  /** Jobs that the process works on at the same time. Those that share one which ends begin anew in another. */
  readonly jobsMax: number;
  /** Resident bytes above which the process is killed while it works (checked where /proc exists). */
  readonly memoryBytesMax: number;
  /**
   * Milliseconds of processor time in which a job has to send a note, after which the process is killed (checked where
   * /proc exists). Waiting costs a job nothing of it, but jobs that share the process do. `Infinity` where jobs send no
   * notes.
   */
  readonly cpuMsBetweenNotesMax: number;
  /** Milliseconds for one job, after which the process is killed. */
  readonly jobMsMax: number;
  /** Milliseconds in which an aborted job may end by itself, after which the process is killed. */
  readonly cancelGraceMs: number;
  /** The refusal that ends a job whose process crashed, was killed for its memory, or took too long. */
  readonly crashCode: ErrorCode;
  /** Lower scheduling priority, 0 to 19, so that the server answers while the process works. */
  readonly niceness: number;
  readonly log: Logger;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Takes what the job sends on its way. */
  readonly onNote?: (note: unknown) => void;
  /**
   * Called when a process takes the job, again where it begins anew, with a function that sends messages to it
   * (`JobContext.onMessage`). What is sent after the job has ended goes nowhere.
   */
  readonly onStart?: (send: (message: unknown) => void) => void;
}

/** A job with the promise that waits for it. */
export interface Task {
  readonly job: unknown;
  readonly options: RunOptions;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Whether it shares its process with no other: it may be the one that ended the process before. */
  readonly alone: boolean;
}

export interface WorkerEvents {
  /** The process can take a job: after its set-up, and after each job. */
  onFree(): void;
  /** The process ended under this job and others, and another is the reason or may be: it can begin anew. */
  onBereft(task: Task): void;
  /** The process is gone. `wasReady`: its set-up had succeeded; `complaint`: the end of what it wrote to stderr. */
  onEnd(wasReady: boolean, complaint: string): void;
}

/** The limits of a job while it runs. */
interface Watch {
  /** Takes the job's word that it gets on. */
  progress(): void;
  stop(): void;
}

/**
 * glibc otherwise keeps what native code frees, in a heap for each thread, and ever larger blocks of it. With these, large
 * blocks go back to the system at once. Other systems ignore the names.
 */
const MEMORY_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
/**
 * Workers keep samples and tensors outside of the heap, so that a larger nursery (in MiB) would only hold garbage, and
 * `serveJobs` collects it after each job.
 */
const MEMORY_FLAGS = ['--max-semi-space-size=1', '--expose-gc'];

const USE_CHECK_MS = 200;
/** The unit of /proc's processor times, on every Linux. */
const CPU_TICK_MS = 10;
const COMPLAINT_CHARACTERS_MAX = 2_000;

/** One child process, and the jobs that it works on. */
export class WorkerProcess {
  readonly #options: WorkerOptions;
  readonly #events: WorkerEvents;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #ready = false;
  readonly #running = new Map<number, { readonly task: Task; readonly watch: Watch }>();
  #lastId = 0;
  #complaint = '';
  /** Why this side killed the process. */
  #killedFor: AppError | null = null;
  /** The job for which it was killed; null where that is not known. */
  #culprit: number | null = null;

  static start(options: WorkerOptions, events: WorkerEvents): WorkerProcess {
    const child = fork(fileURLToPath(options.entry), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // No secret of the server's environment reaches a process that reads hostile bytes.
      env: MEMORY_ENVIRONMENT,
      execArgv: MEMORY_FLAGS,
    });
    lowerPriority(child.pid, options.niceness);
    const worker = new WorkerProcess(options, events, child);
    worker.#send({ type: 'setup', setup: options.setup });
    return worker;
  }

  private constructor(options: WorkerOptions, events: WorkerEvents, child: ChildProcess) {
    this.#options = options;
    this.#events = events;
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString('utf8')).slice(-COMPLAINT_CHARACTERS_MAX);
    });
    child.on('message', (message: FromWorker) => this.#receive(message));
    child.on('error', () => child.kill('SIGKILL'));
    // `close` comes after everything that the process wrote has been read, and after a failed start too; `exit` does not.
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#onClose(code, signal);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the set-up is done and the process lives and is to live on. */
  get ready(): boolean {
    return this.#ready && this.#killedFor === null;
  }

  /** Number of jobs that it works on. */
  get load(): number {
    return this.#running.size;
  }

  /** Whether this job can start here now. */
  takes({ alone }: Pick<Task, 'alone'>): boolean {
    const isReserved = [...this.#running.values()].some(({ task }) => task.alone);
    return this.ready && !isReserved && this.load < (alone ? 1 : this.#options.jobsMax);
  }

  /** Starts a job that the process takes; the task's promise is settled once the work has really stopped. */
  run(task: Task): void {
    const { signal, onStart } = task.options;
    this.#lastId += 1;
    const id = this.#lastId;
    this.#running.set(id, { task, watch: this.#watch(id, signal) });
    try {
      this.#send({ type: 'job', id, job: task.job });
    } catch (error) {
      // The job holds something that cannot be sent to another process.
      return this.#finish(id, (failed) => failed.reject(error));
    }
    onStart?.((message) => {
      if (this.#running.has(id)) this.#send({ type: 'message', id, message });
    });
  }

  /** Ends the process; running jobs end with the reason. */
  async end(reason: AppError): Promise<void> {
    this.#kill(reason);
    await this.#ended;
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        return this.#events.onFree();
      case 'note': {
        const running = this.#running.get(message.id);
        running?.watch.progress();
        const options = running?.task.options;
        return options?.signal.aborted === false ? options.onNote?.(message.note) : undefined;
      }
      case 'done':
        return this.#finish(message.id, (task) => task.resolve(message.result));
      case 'failed':
        return this.#finish(message.id, (task) => task.reject(failure(message)));
    }
  }

  #finish(id: number, settle: (task: Task) => void): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const { task, watch } = running;
    this.#running.delete(id);
    watch.stop();
    const { signal } = task.options;
    if (signal.aborted) task.reject(signal.reason);
    else settle(task);
    if (this.ready) this.#events.onFree();
  }

  #onClose(code: number | null, signal: string | null): void {
    const wasReady = this.#ready;
    this.#ready = false;
    const { name, crashCode, log } = this.#options;
    const killedFor = this.#killedFor;
    if (killedFor?.code !== 'shutting_down') {
      const reason = killedFor?.detail ?? 'It ended by itself.';
      log.warn({ pool: name, pid: this.pid, code, signal, reason, stderr: this.#complaint }, 'worker-exit');
    }
    const crash = new AppError(crashCode, { detail: `The ${name} process ended while it worked (${signal ?? code}).` });
    const isShared = this.load > 1 && killedFor?.code !== 'shutting_down';
    for (const id of this.#running.keys()) {
      this.#finish(id, (task) => {
        if (isShared && id !== this.#culprit) this.#events.onBereft({ ...task, alone: this.#culprit === null });
        else task.reject(killedFor ?? crash);
      });
    }
    this.#events.onEnd(wasReady, this.#complaint);
  }

  /** Enforces the limits of one job and passes its abort on. */
  #watch(id: number, signal: AbortSignal): Watch {
    const { name, jobMsMax, cancelGraceMs, crashCode } = this.#options;
    const kill = (what: string, culprit: number | null): void =>
      this.#kill(new AppError(crashCode, { detail: `The ${name} process was killed: ${what}.` }), culprit);
    const timeLimit = setTimeout(() => kill(`its job took more than ${jobMsMax} ms`, id), jobMsMax);
    const use = this.#watchUse((what) => kill(what, null));
    let grace: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      this.#send({ type: 'cancel', id });
      grace = setTimeout(() => kill(`its job went on for ${cancelGraceMs} ms after an abort`, id), cancelGraceMs);
    };
    signal.addEventListener('abort', cancel, { once: true });
    return {
      progress: () => use.progress(),
      stop() {
        signal.removeEventListener('abort', cancel);
        clearTimeout(timeLimit);
        clearTimeout(grace);
        use.stop();
      },
    };
  }

  #watchUse(kill: (what: string) => void): Watch {
    const { memoryBytesMax, cpuMsBetweenNotesMax } = this.#options;
    /** Processor time at the last note; null until it is looked up. */
    let cpuMsAtNote: number | null = null;
    let stopped = false;
    const check = async (): Promise<void> => {
      const { residentBytes, cpuMs } = await useOf(this.pid);
      cpuMsAtNote ??= cpuMs;
      if (stopped) return;
      if (residentBytes > memoryBytesMax) kill(`it held more than ${memoryBytesMax} bytes`);
      if (cpuMs - cpuMsAtNote > cpuMsBetweenNotesMax) kill(`it worked for ${cpuMsBetweenNotesMax} ms without a note`);
    };
    const timer = setInterval(() => void check(), USE_CHECK_MS);
    return {
      progress() {
        cpuMsAtNote = null;
      },
      stop() {
        stopped = true;
        clearInterval(timer);
      },
    };
  }

  #kill(reason: AppError, culprit: number | null = null): void {
    if (this.#killedFor === null) this.#culprit = culprit;
    this.#killedFor ??= reason;
    this.#child.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    // A channel that breaks meanwhile is followed by `close`, which ends the job.
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

function failure(failed: JobFailure): Error {
  const { code, message, param, detail } = failed;
  if (code === null) return new Error(message);
  return new AppError(code, {
    message,
    ...(param === null ? {} : { param }),
    ...(detail === undefined ? {} : { detail }),
  });
}

function lowerPriority(pid: number | undefined, niceness: number): void {
  if (pid === undefined || niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // A system that doesn't allow it runs the process at the usual priority.
  }
}

/** What a process uses; nothing where the system has no /proc or the process is gone. */
async function useOf(pid: number | undefined): Promise<{ residentBytes: number; cpuMs: number }> {
  const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const [status, stat] = await Promise.all([read('status'), read('stat')]);
  // The name of the program, in parentheses, may hold anything; after it, times are the 12th and the 13th field.
  const [user = '0', system = '0'] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return {
    residentBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
    cpuMs: (Number(user) + Number(system)) * CPU_TICK_MS,
  };
}
