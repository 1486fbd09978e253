/** A decoder process that says what its work took: with speech detection or without, and on request, where the time went. */
import { Session, type Profiler } from 'node:inspector/promises';
import { decodeFile } from '../audio/decode/decode-file.ts';
import type { DecodeJob } from '../audio/decode/job.ts';
import { loadSilero, type Silero } from '../audio/vad/silero.ts';
import { serveJobs } from '../workers/serve-jobs.ts';
import { secondsByStage, type Stage } from './profile.ts';

export interface MeasuredJob extends DecodeJob {
  /** Whether the speech model listens, and the time of each stage is taken; decoding alone is measured without either. */
  readonly whole: boolean;
}

export interface Measured {
  readonly cpuSeconds: number;
  /** Of the main thread; null where only decoding was measured. */
  readonly stages: Readonly<Record<Stage, number>> | null;
}

/** Stands where the speech model does when decoding is measured without it: it hears nothing, at no cost. */
const DEAF: Silero = { listen: (stripeCount) => ({ step: async () => new Float32Array(stripeCount) }) };

serveJobs(async () => {
  const silero = await loadSilero();
  return async (job, context): Promise<Measured> => {
    const { whole, ...decodeJob } = job as MeasuredJob;
    if (!whole) return { cpuSeconds: await cpuSecondsOf(() => decodeFile(decodeJob, context, DEAF)), stages: null };
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    const cpuSeconds = await cpuSecondsOf(() => decodeFile(decodeJob, context, silero));
    const { profile } = (await session.post('Profiler.stop')) as Profiler.StopReturnType;
    session.disconnect();
    return { cpuSeconds, stages: secondsByStage(profile) };
  };
});

async function cpuSecondsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
