/** The embedded engine: Moonshine tiny, English only, in processes of its own. It needs no network and no key. */
import { assert } from '../../core/errors.ts';
import { SAMPLE_RATE_HZ } from '../../core/pcm.ts';
import { createPool } from '../../workers/pool.ts';
import type { Engine, EngineServices, EngineText } from '../contract.ts';
import type { MoonshineJob } from './worker.ts';

export interface MoonshineOptions extends EngineServices {
  /** The name under which the engine is configured. */
  readonly id: string;
  /** Processes, each of which holds about 330 MB at its peak. */
  readonly workers: number;
}

export interface MoonshineEngine extends Engine {
  /** Resolves once every process has loaded the model; rejects with `engine_unavailable`. */
  readonly started: Promise<void>;
}

/** Past 30 seconds the model repeats itself, so that pieces stay well below. */
const PIECE_SECONDS_MAX = 28;

const MEMORY_BYTES_MAX = 1_500_000_000;

/**
 * Pieces that share a process, a step of the decoder each in turn: a short one gets through beside a long one. Together
 * they take as long as one after the other.
 */
const PIECES_MAX = 2;

/** A piece takes about a second; a crowded machine may need many times that. */
const JOB_MS_MAX = 120_000;

/**
 * The encoder cannot be interrupted, nor the one of a piece in the same process: each takes a quarter of a second for the
 * longest piece on a free core, and many times that on a crowded machine.
 */
const CANCEL_GRACE_MS = 5_000;

/** Starts the processes at once. */
export function createMoonshineEngine({ id, workers, log }: MoonshineOptions): MoonshineEngine {
  const pool = createPool({
    entry: new URL('./worker.js', import.meta.url),
    name: id,
    size: workers,
    setup: null,
    jobsMax: PIECES_MAX,
    memoryBytesMax: MEMORY_BYTES_MAX,
    cpuMsBetweenNotesMax: Infinity,
    jobMsMax: JOB_MS_MAX,
    cancelGraceMs: CANCEL_GRACE_MS,
    crashCode: 'engine_failed',
    niceness: 5,
    log,
  });
  return {
    id,
    model: 'moonshine/tiny',
    capabilities: {
      languages: ['en'],
      pieceSecondsMax: PIECE_SECONDS_MAX,
      prompt: false,
      hotwords: false,
      timestamps: false,
      tokenCounts: true,
    },
    concurrency: workers,
    headroom: workers * (PIECES_MAX - 1),
    started: pool.started,
    ready: () => pool.ready(),
    async transcribe(samples, { outputTokensMax }, signal) {
      assert(samples.length <= PIECE_SECONDS_MAX * SAMPLE_RATE_HZ, 'no piece is longer than the engine takes');
      const job: MoonshineJob = { samples, outputTokensMax };
      return pool.run<EngineText>(job, { signal });
    },
    async close() {
      await pool[Symbol.asyncDispose]();
    },
  };
}
