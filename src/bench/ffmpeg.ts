/** Long recordings in every format, made by ffmpeg out of the fixtures, and what ffmpeg itself takes to decode them. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/audio');
const RECORDINGS = ['sense-leisure', 'fabric', 'library', 'sense-selfish', 'storm', 'sense-married', 'sense-amiable'];
/** More rounds than the longest recording takes. */
const ROUNDS = 1_000;

/** What each format is encoded with; 44.1 kHz stereo, as music services and phones give it. */
const ENCODINGS = {
  wav: ['-c:a', 'pcm_s16le'],
  mp3: ['-c:a', 'libmp3lame', '-b:a', '128k'],
  m4a: ['-c:a', 'aac', '-b:a', '128k'],
  ogg: ['-c:a', 'libvorbis', '-q:a', '4'],
  flac: ['-c:a', 'flac'],
  webm: ['-c:a', 'libopus', '-b:a', '64k', '-ar', '48000'],
} as const;

export type Format = keyof typeof ENCODINGS;
export const FORMATS = Object.keys(ENCODINGS) as Format[];

const run = promisify(execFile);

export function isFfmpegHere(): Promise<boolean> {
  return run('ffmpeg', ['-version']).then(
    () => true,
    () => false,
  );
}

/** Writes `minutes` of speech in the format, and gives the path. */
export async function makeRecording(directory: string, format: Format, minutes: number): Promise<string> {
  const list = join(directory, 'list.txt');
  const round = RECORDINGS.map((name) => `file '${join(FIXTURES, name)}.wav'\n`).join('');
  await writeFile(list, round.repeat(ROUNDS));
  const path = join(directory, `${minutes}-minutes.${format}`);
  const input = ['-f', 'concat', '-safe', '0', '-i', list, '-t', String(minutes * 60)];
  await run('ffmpeg', ['-v', 'error', '-y', ...input, '-ar', '44100', '-ac', '2', ...ENCODINGS[format], path]);
  return path;
}

/** Processor seconds, user and system, that ffmpeg takes from a file to 16 kHz mono. */
export async function ffmpegCpuSeconds(path: string): Promise<number> {
  const output = ['-ac', '1', '-ar', '16000', '-f', 's16le', `${path}.pcm`];
  const { stderr } = await run('ffmpeg', ['-hide_banner', '-nostats', '-benchmark', '-y', '-i', path, ...output]);
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  if (user === undefined || system === undefined) throw new Error(`ffmpeg did not say what it took:\n${stderr}`);
  return Number(user) + Number(system);
}
