/** What decoding an hour costs in each format, beside ffmpeg on the same files in the same run. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../core/log.ts';
import { createPool, type Pool } from '../workers/pool.ts';
import { FILES_OPEN } from '../audio/decode/job.ts';
import type { Measured, MeasuredJob } from './decode-worker.ts';
import { ffmpegCpuSeconds, FORMATS, isFfmpegHere, makeRecording } from './ffmpeg.ts';
import type { Bench, Figure } from './figure.ts';

const minutes = Number(process.env['BENCH_MINUTES'] ?? 60);

export const decodeBench: Bench = { name: 'decode', run };

async function run(): Promise<readonly Figure[]> {
  if (!(await isFfmpegHere())) {
    process.stderr.write(
      'ffmpeg is not installed: without it there are no long recordings, and nothing to compare with.\n',
    );
    return [];
  }
  const directory = await mkdtemp(join(tmpdir(), 'earshot-bench-'));
  await using pool = createMeasuringPool();
  try {
    const figures: Figure[] = [];
    for (const format of FORMATS) figures.push(...(await measure(pool, directory, format)));
    return figures;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measure(pool: Pool, directory: string, format: (typeof FORMATS)[number]): Promise<Figure[]> {
  const path = await makeRecording(directory, format, minutes);
  const ffmpeg = await ffmpegCpuSeconds(path);
  const alone = await decode(pool, path, false);
  const whole = await decode(pool, path, true);
  await rm(path);
  const subject = `${format}, ${minutes} min`;
  return [
    { subject, quantity: 'earshot, without detection', value: alone.cpuSeconds, unit: 'CPU s' },
    { subject, quantity: 'ffmpeg', value: ffmpeg, unit: 'CPU s' },
    { subject, quantity: 'earshot / ffmpeg', value: alone.cpuSeconds / ffmpeg, unit: '×' },
    ...Object.entries(whole.stages ?? {}).map(([stage, value]) => ({ subject, quantity: stage, value, unit: 's' })),
  ];
}

async function decode(pool: Pool, sourcePath: string, whole: boolean): Promise<Measured> {
  const pcmPath = `${sourcePath}.earshot.pcm`;
  const { size } = await stat(sourcePath);
  const job: MeasuredJob = { sourcePath, pcmPath, audioSecondsMax: 86_400, whole };
  let send = (_message: unknown): void => {};
  const measured = await pool.run<Measured>(job, {
    signal: new AbortController().signal,
    onStart: (sender) => (send = sender),
    onNote: (note) => note === FILES_OPEN && send({ bytesAvailable: size, ended: true }),
  });
  await rm(pcmPath);
  return measured;
}

/** One process with the settings of a decoder's. */
function createMeasuringPool(): Pool {
  return createPool({
    entry: new URL('./decode-worker.js', import.meta.url),
    name: 'bench',
    size: 1,
    setup: null,
    jobsMax: 1,
    memoryBytesMax: Infinity,
    cpuMsBetweenNotesMax: Infinity,
    jobMsMax: 3_600_000,
    cancelGraceMs: 1_000,
    crashCode: 'internal_error',
    niceness: 0,
    log: silentLogger,
  });
}
