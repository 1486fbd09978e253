/** Where the texts go: to standard output, into one file, or into a folder with a file for each recording. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { render, type Format } from '../../recognize/render/render.ts';
import { UsageError } from '../command.ts';
import type { HeardRecording } from './ear.ts';
import type { Source, Sources } from './sources.ts';

export const FORMATS = ['json', 'text', 'srt', 'vtt'] as const satisfies readonly Format[];
export type OutputFormat = (typeof FORMATS)[number];

const EXTENSIONS: Readonly<Record<OutputFormat, string>> = { json: '.json', text: '.txt', srt: '.srt', vtt: '.vtt' };

export type Result =
  | { readonly heard: HeardRecording }
  | { readonly error: { readonly code: string; readonly message: string } };

export interface Outputs {
  /** Takes the result of the recording with this index. */
  put(index: number, result: Result): Promise<void>;
  /** After the last of them, or after Ctrl-C. */
  end(): void;
}

/** @param print writes whole lines to standard output. */
export async function openOutputs(
  { sources, several }: Sources,
  { format, output }: { readonly format: OutputFormat; readonly output: string | null },
  print: (text: string) => void,
): Promise<Outputs> {
  if (output !== null) {
    const paths = await pathsIn(sources, several, output, EXTENSIONS[format]);
    return {
      async put(index, result) {
        const path = paths[index] ?? '';
        if (!('heard' in result)) return;
        await mkdir(dirname(path), { recursive: true });
        const file = fileOf(format, result.heard);
        await writeFile(path, format === 'json' ? `${file}\n` : file);
      },
      end() {},
    };
  }
  if (!several) {
    return {
      async put(_, result) {
        if ('heard' in result) print(fileOf(format, result.heard).replace(/\n$/, ''));
      },
      end() {},
    };
  }
  if (format === 'json') return oneDocument(sources, print);
  if (format === 'text') return inOrder(sources, print);
  throw new UsageError(`Several recordings in the format ${format} need --output with a folder.`);
}

async function pathsIn(
  sources: readonly Source[],
  several: boolean,
  output: string,
  extension: string,
): Promise<string[]> {
  const isFolder = (await stat(output).catch(() => null))?.isDirectory() ?? /[/\\]$/.test(output);
  if (several && (await stat(output).catch(() => null))?.isFile() === true)
    throw new UsageError('--output must be a folder where there may be several recordings.');
  const paths = several || isFolder ? namesOf(sources, extension).map((name) => join(output, name)) : [output];
  const recordings = new Set(sources.map(({ audio }) => (audio.kind === 'file' ? resolve(audio.path) : '')));
  const overwritten = paths.find((path) => recordings.has(resolve(path)));
  if (overwritten !== undefined) throw new UsageError(`--output would overwrite the recording ${overwritten}.`);
  return paths;
}

/** `talk.mp3` becomes `talk.txt`; where there is a `talk.wav` too, they become `talk.mp3.txt` and `talk.wav.txt`. */
function namesOf(sources: readonly Source[], extension: string): string[] {
  const short = sources.map(({ name }) => name.slice(0, name.length - extname(name).length) + extension);
  const names = sources.map(({ name }, index) =>
    short.filter((other) => other === short[index]).length > 1 ? name + extension : (short[index] ?? ''),
  );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`Two recordings would be written to ${twice}. Name them in two calls.`);
  return names;
}

function fileOf(format: OutputFormat, heard: HeardRecording): string {
  const { text, segments, durationSeconds } = heard;
  const transcript = { text, ...(segments === undefined ? {} : { segments }) };
  return render(format, {
    transcript,
    durationSeconds: durationSeconds ?? 0,
    language: null,
    members: membersOf(heard),
  });
}

function membersOf({ segments, members }: HeardRecording): Record<string, unknown> {
  return { ...(segments === undefined ? {} : { segments }), ...members };
}

function oneDocument(sources: readonly Source[], print: (text: string) => void): Outputs {
  const entries: (object | undefined)[] = sources.map(() => undefined);
  return {
    async put(index, result) {
      const source = sources[index]?.label;
      entries[index] =
        'heard' in result ? { source, text: result.heard.text, ...membersOf(result.heard) } : { source, ...result };
    },
    end: () => print(JSON.stringify({ data: entries.filter((entry) => entry !== undefined) })),
  };
}

/** Each text under its name, in the order of the sources, as soon as all before it are there. */
function inOrder(sources: readonly Source[], print: (text: string) => void): Outputs {
  const results = new Map<number, Result>();
  let printed = 0;
  return {
    async put(index, put) {
      results.set(index, put);
      for (let result = results.get(printed); result !== undefined; result = results.get(printed)) {
        if ('heard' in result) print(`==> ${sources[printed]?.label} <==\n${result.heard.text}\n`);
        results.delete(printed);
        printed += 1;
      }
    },
    end() {
      // After Ctrl-C some before them are missing; what is there is still worth printing.
      for (const [index, result] of results) {
        if ('heard' in result) print(`==> ${sources[index]?.label} <==\n${result.heard.text}\n`);
      }
    },
  };
}
