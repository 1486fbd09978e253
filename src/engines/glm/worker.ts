/** One process of the engine: it loads the model once and writes down the pieces of one job side by side. */
import { serveJobs } from '../../workers/serve-jobs.ts';
import type { EngineText } from '../contract.ts';
import { loadGlm, type GlmPiece } from './model/model.ts';

export interface GlmSetup {
  readonly path: string;
  readonly threads: number;
}

export interface GlmJob {
  readonly pieces: readonly GlmPiece[];
}

/** A piece has ended; without a text where it was given up. */
export interface GlmNote {
  readonly place: number;
  readonly text: EngineText | null;
  /** Of the process. */
  readonly residentBytes: number;
}

/** To a job: this piece is of no use any more. */
export interface GlmMessage {
  readonly giveUp: number;
}

serveJobs(async (setup) => {
  const { path, threads } = setup as GlmSetup;
  const model = await loadGlm(path, threads);
  return async (job, context) => {
    const { pieces } = job as GlmJob;
    const controllers = pieces.map(() => new AbortController());
    context.onMessage((message) => controllers[(message as GlmMessage).giveUp]?.abort());
    const signals = controllers.map((controller) => AbortSignal.any([context.signal, controller.signal]));
    await model.transcribe(pieces, signals, (place, text) =>
      context.note({ place, text, residentBytes: process.memoryUsage.rss() } satisfies GlmNote),
    );
  };
});
