/** What was heard, one JSON line for each recording as it ends; the next run goes on from there. */
import { mkdir, open, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ManifestError } from './manifest.ts';

export interface Heard {
  readonly text: string;
  readonly engine: string;
  readonly audioSeconds: number;
  /** From opening the audio to its text, other recordings that run beside it included. */
  readonly processingSeconds: number;
  /** Codes of the warnings that a caller would have been given. */
  readonly warnings: readonly string[];
}

export type Outcome = Heard | { readonly error: string };

/** What the results are of; those of something else are never mixed with them. */
export interface Subject {
  readonly model: string;
  /** The engine that was asked for by name; null where the model's own order decides. */
  readonly engine: string | null;
}

export interface ResultsFile extends AsyncDisposable {
  /** What earlier runs have heard or failed at, by the utterance's id. */
  readonly earlier: ReadonlyMap<string, Outcome>;
  append(id: string, outcome: Outcome): Promise<void>;
}

const headSchema = z.object({ evaluate: z.literal(1), model: z.string(), engine: z.string().nullable() });
const heardSchema = z.object({
  id: z.string(),
  text: z.string(),
  engine: z.string(),
  audioSeconds: z.number(),
  processingSeconds: z.number(),
  warnings: z.array(z.string()),
});
const lineSchema = z.union([heardSchema, z.object({ id: z.string(), error: z.string() })]);

/** Opens the file, or begins it. A last line that a crash cut off is taken away; any other mistake is said with its line. */
export async function openResultsFile(path: string, subject: Subject): Promise<ResultsFile> {
  await mkdir(dirname(path), { recursive: true });
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  // Each line is written with its end, so a rest without one was cut off.
  const complete = bytes.lastIndexOf(0x0a) + 1;
  if (complete < bytes.length) await truncate(path, complete);
  const [head, ...lines] = bytes.subarray(0, complete).toString('utf8').split('\n');
  if (complete > 0) requireSubject(path, head ?? '', subject);
  const earlier = new Map<string, Outcome>();
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const { id, ...outcome } = parse(lineSchema, line, `${path}:${index + 2}`);
    earlier.set(id, outcome);
  }
  const handle = await open(path, 'a');
  if (complete === 0) await handle.appendFile(`${JSON.stringify({ evaluate: 1, ...subject })}\n`);
  return {
    earlier,
    append: (id, outcome) => handle.appendFile(`${JSON.stringify({ id, ...outcome })}\n`),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function requireSubject(path: string, line: string, { model, engine }: Subject): void {
  const head = parse(headSchema, line, `${path}:1`);
  if (head.model === model && head.engine === engine) return;
  const name = head.model + (head.engine === null ? '' : ` on the engine ${head.engine}`);
  throw new ManifestError(`${path} holds results of ${name}; name another file with --output.`);
}

function parse<Value>(schema: z.ZodType<Value>, line: string, place: string): Value {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new ManifestError(`${place}: is no line of an evaluation's results.`, { cause: error });
  }
}
