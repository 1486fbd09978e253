/** What is evaluated: recordings with the text that is said in them. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';

/** A stretch of a recording, in seconds. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

export interface Utterance {
  /** Unique within the evaluation, and the same in every run: the audio as it is named, and where in it. */
  readonly id: string;
  /** An absolute path, or a URL. */
  readonly audio: string;
  /** Undefined for the whole recording. */
  readonly range?: Range;
  readonly reference: string;
  /** ISO 639, such as `en` or `zh-CN`. */
  readonly language: string;
}

/** The data is not as an evaluation needs it; the message says where and what. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

const LANGUAGE = /^[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$/;
const LINES_MAX = 2_000_000;
/** So many mistakes are listed; a manifest of another kind has one on each line. */
const MISTAKES_SHOWN_MAX = 10;

const seconds = z.number('must be a number of seconds').min(0, 'must not be below 0');
const lineSchema = z.strictObject({
  audio: z.string('must be a path or a URL').min(1, 'must be a path or a URL'),
  reference: z.string('must be the text that is said'),
  language: z.string('must be a language code such as "en"').regex(LANGUAGE, 'must be a language code such as "en"'),
  begin: seconds.optional(),
  end: seconds.optional(),
});

/** Reads a manifest: one JSON object a line. Throws a `ManifestError` that names each wrong line. */
export async function readManifest(path: string): Promise<Utterance[]> {
  const lines = (await readText(path)).split('\n');
  if (lines.length > LINES_MAX) throw new ManifestError(`${path} has more than ${LINES_MAX} lines; split it.`);
  const mistakes: string[] = [];
  const utterances = lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const read = readLine(line);
    if (typeof read === 'string') {
      mistakes.push(`${path}:${index + 1}: ${read}`);
      return [];
    }
    return [{ ...read, audio: placeOf(read.audio, dirname(path)), id: idOf(read.audio, read.range) }];
  });
  if (mistakes.length > MISTAKES_SHOWN_MAX) {
    mistakes.splice(MISTAKES_SHOWN_MAX, Infinity, `and ${mistakes.length - MISTAKES_SHOWN_MAX} more.`);
  }
  if (mistakes.length > 0) throw new ManifestError(mistakes.join('\n'));
  if (utterances.length === 0) throw new ManifestError(`${path} names no recordings.`);
  return withUniqueIds(utterances);
}

export function idOf(audio: string, range: Range | undefined): string {
  return range === undefined ? audio : `${audio}#${range.begin}-${range.end}`;
}

/** The second of two equal lines is another recording of the evaluation, not the same one. */
function withUniqueIds(utterances: readonly Utterance[]): Utterance[] {
  const seen = new Map<string, number>();
  return utterances.map((utterance) => {
    const count = (seen.get(utterance.id) ?? 0) + 1;
    seen.set(utterance.id, count);
    return count === 1 ? utterance : { ...utterance, id: `${utterance.id} (${count})` };
  });
}

/** A line, or what is wrong with it in a sentence. */
function readLine(line: string): Omit<Utterance, 'id'> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'is not a JSON object; a line is {"audio": "a.wav", "reference": "…", "language": "en"}.';
  }
  const result = lineSchema.safeParse(value);
  if (!result.success) {
    return result.error.issues
      .map((issue) => {
        if (issue.code === 'unrecognized_keys') return `there is no member ${issue.keys.join(', ')}.`;
        return issue.path.length === 0 ? 'is not a JSON object.' : `"${issue.path.join('.')}" ${issue.message}.`;
      })
      .join(' ');
  }
  const { begin, end, audio, reference, language } = result.data;
  if (begin === undefined && end === undefined) return { audio, reference, language };
  if (end === undefined || (begin ?? 0) >= end) return '"end" must be above "begin".';
  return { audio, reference, language, range: { begin: begin ?? 0, end } };
}

/** A URL as it is; a path as seen from the folder. */
export function placeOf(audio: string, folder: string): string {
  return isUrl(audio) ? audio : resolve(folder, audio);
}

export function isUrl(audio: string): boolean {
  return /^https?:\/\//i.test(audio);
}

/** The text of a file of the data; throws a `ManifestError` where it can't be read. */
export async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  } catch (error) {
    throw new ManifestError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  }
}
