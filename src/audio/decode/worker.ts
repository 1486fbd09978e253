/** The decoder process: the only place where the bytes of callers' files are looked at. */
import { serveJobs } from '../../workers/serve-jobs.ts';
import { loadSilero } from '../vad/silero.ts';
import { decodeFile } from './decode-file.ts';
import type { DecodeJob } from './job.ts';

serveJobs(async () => {
  const silero = await loadSilero();
  return (job, context) => decodeFile(job as DecodeJob, context, silero);
});
