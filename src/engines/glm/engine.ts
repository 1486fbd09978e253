/** GLM-ASR-Nano-2512 on the operator's own processor: Chinese, Cantonese and English, in processes of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { AppError, assert } from '../../core/errors.ts';
import { SAMPLE_RATE_HZ } from '../../core/pcm.ts';
import { createPool, type Pool } from '../../workers/pool.ts';
import { EngineError, type Engine, type EngineServices, type EngineText } from '../contract.ts';
import { bytesOf, describePrecision, readManifest, type Manifest } from './manifest.ts';
import type { GlmPiece } from './model/model.ts';
import type { GlmJob, GlmMessage, GlmNote, GlmSetup } from './worker.ts';

export interface GlmOptions extends EngineServices {
  /** The name under which the engine is configured. */
  readonly id: string;
  /** The folder that `earshot model convert` made. */
  readonly path: string;
  /** Processes, each of which holds the whole model. */
  readonly workers: number;
  /** Processor cores that each process uses. */
  readonly threads: number;
  /** Pieces that a process writes down side by side. */
  readonly batch: number;
  /** Whether language, prompt and hotwords are put into the instruction. The model was not trained for them. */
  readonly hints: boolean;
}

export interface GlmEngine extends Engine {
  /** Resolves once every process has loaded the model; rejects with `engine_unavailable`. */
  readonly started: Promise<void>;
}

const PIECE_SECONDS_MAX = 30;

/** Beside the weights: activations of a window, caches of a batch, and Node. */
const WORKING_BYTES_MAX = 6_000_000_000;

/** A piece takes about half a minute on two cores; a crowded machine may need many times that. */
const PIECE_MS_MAX = 600_000;

/** One step of the encoder takes ten seconds on two cores and can't be interrupted: its process is ended instead. */
const CANCEL_GRACE_MS = 2_000;

/** How long the first piece waits for others of the same recording, so that they are written side by side. */
const GATHER_MS = 30;

interface Waiting {
  readonly piece: GlmPiece;
  readonly signal: AbortSignal;
  readonly resolve: (text: EngineText) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts the processes at once. */
export function createGlmEngine(options: GlmOptions): GlmEngine {
  const { id, path, workers, threads, batch, hints, log } = options;
  const manifest = readManifestOrFault(path);
  if (manifest instanceof EngineError) return unavailable(options, manifest);
  const setup: GlmSetup = { path, threads };
  const pool = createPool({
    entry: new URL('./worker.js', import.meta.url),
    name: id,
    size: workers,
    setup,
    jobsMax: 1,
    memoryBytesMax: 2 * bytesOf(manifest) + WORKING_BYTES_MAX,
    cpuMsBetweenNotesMax: Infinity,
    jobMsMax: batch * PIECE_MS_MAX,
    cancelGraceMs: CANCEL_GRACE_MS,
    crashCode: 'engine_failed',
    niceness: 5,
    log,
  });
  const batches = new Batches(pool, batch);
  return {
    ...factsOf(options),
    started: pool.started,
    ready: () => pool.ready(),
    describe: () => ({
      model: manifest.model,
      quantization: describePrecision(manifest.precision),
      weightBytes: bytesOf(manifest),
      residentBytes: batches.residentBytes,
    }),
    async transcribe(samples, { outputTokensMax, language, prompt, hotwords }, signal) {
      assert(samples.length <= PIECE_SECONDS_MAX * SAMPLE_RATE_HZ, 'no piece is longer than the engine takes');
      const asked = {
        ...(language === undefined ? {} : { language }),
        ...(prompt === undefined ? {} : { prompt }),
        ...(hotwords === undefined ? {} : { hotwords }),
      };
      return batches.run({ samples, outputTokensMax, hints: hints ? asked : {} }, signal);
    },
    async close() {
      await pool[Symbol.asyncDispose]();
    },
  };
}

function factsOf({ id, workers, batch, hints }: GlmOptions) {
  return {
    id,
    // The configuration says for which model these weights answer.
    model: null,
    capabilities: {
      languages: ['zh', 'yue', 'en'],
      pieceSecondsMax: PIECE_SECONDS_MAX,
      prompt: hints,
      hotwords: hints,
      hotwordsUntrained: hints,
      timestamps: false,
      tokenCounts: true,
    },
    concurrency: workers * batch,
  };
}

function readManifestOrFault(path: string): Manifest | EngineError {
  try {
    return readManifest(path);
  } catch (error) {
    return new EngineError('unavailable', {
      detail: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

/** What stands in the place of an engine whose files are not there: it says so to everybody who asks. */
function unavailable(options: GlmOptions, fault: EngineError): GlmEngine {
  const started = Promise.reject(fault);
  // Whoever awaits it hears of the failure; nobody has to.
  started.catch(() => {});
  return {
    ...factsOf(options),
    started,
    ready: () => false,
    transcribe: () => Promise.reject(fault),
    close: async () => {},
  };
}

/** Puts pieces that wait at the same time into one job. */
class Batches {
  readonly #pool: Pool;
  readonly #piecesMax: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #gathering = false;
  /** The most that one process has held at the end of a piece. */
  residentBytes: number | null = null;

  constructor(pool: Pool, piecesMax: number) {
    this.#pool = pool;
    this.#piecesMax = piecesMax;
  }

  run(piece: GlmPiece, signal: AbortSignal): Promise<EngineText> {
    return new Promise<EngineText>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        const index = this.#waiting.indexOf(waiting);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        reject(signal.reason);
      };
      const settled = (): void => signal.removeEventListener('abort', leave);
      const waiting: Waiting = {
        piece,
        signal,
        resolve: (text) => (settled(), resolve(text)),
        reject: (error) => (settled(), reject(error)),
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      void this.#gather();
    });
  }

  async #gather(): Promise<void> {
    if (this.#gathering || this.#running === this.#pool.size) return;
    this.#gathering = true;
    if (this.#waiting.length < this.#piecesMax) await wait(GATHER_MS);
    this.#gathering = false;
    while (this.#running < this.#pool.size && this.#waiting.length > 0) {
      void this.#runTogether(this.#waiting.splice(0, this.#piecesMax));
    }
  }

  async #runTogether(group: readonly Waiting[]): Promise<void> {
    this.#running += 1;
    const open = new Set(group.keys());
    /** Once nobody waits for any piece, the whole job is ended, if need be with its process. */
    const nobody = new AbortController();
    const listeners = new AbortController();
    const onAbort = (place: number, send: (message: GlmMessage) => void): void => {
      send({ giveUp: place });
      if ([...open].every((index) => group[index]?.signal.aborted)) nobody.abort(new Error('Nobody waits any more.'));
    };
    const end = (place: number, settle: (waiting: Waiting) => void): void => {
      const waiting = group[place];
      if (waiting === undefined || !open.delete(place)) return;
      if (waiting.signal.aborted) waiting.reject(waiting.signal.reason);
      else settle(waiting);
    };
    const job: GlmJob = { pieces: group.map(({ piece }) => piece) };
    const failure = await this.#pool
      .run<undefined>(job, {
        signal: nobody.signal,
        onStart: (send) => {
          for (const [place, { signal }] of group.entries()) {
            if (signal.aborted) onAbort(place, send);
            signal.addEventListener('abort', () => onAbort(place, send), { signal: listeners.signal });
          }
        },
        onNote: (note) => {
          const { place, text, residentBytes } = note as GlmNote;
          this.residentBytes = Math.max(this.residentBytes ?? 0, residentBytes);
          if (text !== null) end(place, ({ resolve }) => resolve(text));
          else end(place, ({ signal, reject }) => reject(signal.reason));
        },
      })
      .catch(faultOf);
    listeners.abort();
    for (const place of open) end(place, ({ reject }) => reject(failure ?? new EngineError('failed')));
    this.#running -= 1;
    void this.#gather();
  }
}

/** A pool whose processes do not start serves nobody until its operator has mended that. */
function faultOf(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'engine_unavailable') return error;
  return new EngineError('unavailable', {
    cause: error,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  });
}
