/** One process of the embedded engine: it loads the model once and transcribes piece after piece. */
import { serveJobs } from '../../workers/serve-jobs.ts';
import { loadMoonshine } from './model.ts';

export interface MoonshineJob {
  /** Mono, 16 kHz, in [-1, 1]. */
  readonly samples: Float32Array;
  readonly outputTokensMax: number;
}

serveJobs(async () => {
  const model = await loadMoonshine();
  return (job, { signal }) => {
    const { samples, outputTokensMax } = job as MoonshineJob;
    return model.transcribe(samples, outputTokensMax, signal);
  };
});
