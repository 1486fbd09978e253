import type { Readable } from 'node:stream';
import { EarshotError, type Earshot } from '../client/client.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { TIMED_FORMATS } from '../recognize/render/render.ts';
import {
  CommandError,
  EXIT,
  JSON_OPTION,
  UsageError,
  type Command,
  type CommandInput,
  type Terminal,
} from './command.ts';
import type { ChosenEars, EngineChoice } from './ears.ts';
import { startProgress, type Progress, type ProgressStream } from './progress.ts';
import { readChoice, readCount, readLanguage } from './read-values.ts';
import { localEar, remoteEar, type Ear, type HeardRecording, type Wish } from './transcribe/ear.ts';
import { FORMATS, openOutputs, type OutputFormat, type Outputs, type Result } from './transcribe/outputs.ts';
import { findSources, type Source, type Sources } from './transcribe/sources.ts';
import { spoolInput } from './transcribe/standard-input.ts';

export interface TranscribeServices {
  readonly open: (choice: EngineChoice) => Promise<ChosenEars>;
  readonly connect: (baseUrl: string, key: string) => Earshot;
  /** Of the environment; null where it has none. */
  readonly key: string | null;
  /** Gives the signal that Ctrl-C aborts. */
  readonly interruption: () => AbortSignal;
  readonly input: Readable;
  readonly temporaryDirectory: string;
  readonly clock: Clock;
  readonly progressStream: ProgressStream;
}

const MODEL_DEFAULT = 'glm/glm-asr-2512';
const PARALLEL_DEFAULT = 2;
const PARALLEL_MAX = 64;
const RATE_HZ_DEFAULT = 16_000;
const RATE_HZ_MAX = 192_000;

export function transcribeCommand(services: TranscribeServices): Command {
  return {
    name: 'transcribe',
    summary: 'Transcribes recordings: here without server, key or charge, or on a server.',
    positional: 'FILE|FOLDER|PATTERN|URL|-',
    several: true,
    options: {
      engine: { value: 'NAME', help: 'the configured engine of this name, and no other' },
      model: { value: 'MODEL', help: `the model; default ${MODEL_DEFAULT}, or the first with that engine` },
      language: { value: 'LANGUAGE', help: 'what is spoken, as a code of ISO 639-1 such as en' },
      timestamps: { help: 'adds to JSON when what is said' },
      format: { value: 'FORMAT', help: `${FORMATS.join(', ')}; default json`, choices: FORMATS },
      output: { value: 'FILE|FOLDER', help: 'writes there; a folder gets a file for each recording' },
      parallel: { value: 'N', help: `recordings at the same time; default ${PARALLEL_DEFAULT}` },
      raw: { help: 'standard input is samples without a header: 16 bits, little-endian, mono' },
      rate: { value: 'HZ', help: `their rate; default ${RATE_HZ_DEFAULT}` },
      server: { value: 'URL', help: 'has that server transcribe' },
      key: { value: 'KEY', help: 'the key for it; default: EARSHOT_KEY of the environment' },
      json: JSON_OPTION,
    },
    example: 'earshot transcribe talk.mp3 interviews/ --format srt --output subtitles/',
    async run(input, terminal) {
      const order = readOrder(input);
      const found = await findSources(input.positionals);
      using progress = startProgress(found.sources.length, services.progressStream, services.clock);
      const outputs = await openOutputs(found, order, (text) => progress.aside(() => terminal.out(text)));
      await using opened = await openEar(input, services);
      const failures = await hearAll(found, { ...services, ...order, ...opened, outputs, progress, terminal });
      return failures === 0 ? EXIT.ok : EXIT.failed;
    },
  };
}

interface Order {
  readonly format: OutputFormat;
  readonly output: string | null;
  readonly wish: Wish;
  readonly parallel: number;
  readonly rawRateHz: number | null;
}

function readOrder(input: CommandInput): Order {
  const format = input.flag('json') ? 'json' : readChoice(input, 'format', FORMATS);
  const rate = readCount(input, 'rate', RATE_HZ_MAX);
  if (input.flag('raw') && !input.positionals.includes('-'))
    throw new UsageError('--raw is for samples on standard input: name "-".');
  if (rate !== null && !input.flag('raw')) throw new UsageError('--rate goes with --raw only.');
  if (input.positionals.filter((word) => word === '-').length > 1)
    throw new UsageError('Standard input can be heard once only.');
  return {
    format,
    output: input.option('output') ?? null,
    wish: {
      language: readLanguage(input, 'language'),
      timestamps: input.flag('timestamps') || TIMED_FORMATS.has(format),
    },
    parallel: readCount(input, 'parallel', PARALLEL_MAX) ?? PARALLEL_DEFAULT,
    rawRateHz: input.flag('raw') ? (rate ?? RATE_HZ_DEFAULT) : null,
  };
}

interface OpenedEar extends AsyncDisposable {
  readonly ear: Ear;
  readonly signal: AbortSignal;
}

async function openEar(input: CommandInput, services: TranscribeServices): Promise<OpenedEar> {
  const [server, engine, model] = [input.option('server'), input.option('engine'), input.option('model')];
  if (server === undefined) {
    if (input.option('key') !== undefined) throw new UsageError('--key goes with --server only.');
    const ears = await services.open({ engine: engine ?? null, model: model ?? null });
    const dispose = (): PromiseLike<void> => ears[Symbol.asyncDispose]();
    try {
      return { ear: localEar(ears), signal: ears.signal, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      await dispose();
      throw error;
    }
  }
  if (engine !== undefined) throw new UsageError('--engine goes without --server only: a server has its own.');
  if (!/^https?:/i.test(server) || !URL.canParse(server))
    throw new UsageError('--server must be an http or https URL.');
  const key = input.option('key') ?? services.key;
  if (key === null) throw new UsageError('--server needs a key: set EARSHOT_KEY, or give --key.');
  const ear = remoteEar(services.connect(server, key), model ?? MODEL_DEFAULT);
  return { ear, signal: services.interruption(), async [Symbol.asyncDispose]() {} };
}

interface Work extends TranscribeServices, Order {
  readonly ear: Ear;
  readonly signal: AbortSignal;
  readonly outputs: Outputs;
  readonly progress: Progress;
  readonly terminal: Terminal;
}

/** Gives how many failed. After Ctrl-C, what is there by then is printed before its error is thrown. */
async function hearAll({ sources, several }: Sources, work: Work): Promise<number> {
  const { outputs, progress, terminal, format } = work;
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  const queue = sources.entries();
  let failures = 0;

  async function next(): Promise<void> {
    for (const [index, source] of queue) {
      signal.throwIfAborted();
      const result = await hearOne(source, work, signal);
      if ('error' in result) {
        failures += 1;
        progress.aside(() => terminal.error(`${source.label}: ${result.error.message}`));
      } else if (format !== 'json') {
        // Only JSON has a place for them.
        const name = several ? `${source.label}: ` : '';
        for (const { message } of result.heard.warnings)
          progress.aside(() => terminal.error(`${name}Note: ${message}`));
      }
      await outputs.put(index, result);
    }
  }

  const workers = Array.from({ length: Math.min(work.parallel, sources.length) }, next);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(workers);
    if (work.signal.aborted) outputs.end();
    throw error;
  }
  outputs.end();
  return failures;
}

/** What is wrong with one recording does not keep the others from being heard; a mistake of the program does. */
async function hearOne(source: Source, work: Work, signal: AbortSignal): Promise<Result> {
  let shareLeft = 1;
  const onProgress = (share: number, audioSeconds: number): void => {
    shareLeft -= share;
    work.progress.advance(share, audioSeconds);
  };
  try {
    return { heard: await hearSource(source, work, onProgress, signal) };
  } catch (error) {
    signal.throwIfAborted();
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return { error: refusal };
  } finally {
    work.progress.advance(shareLeft, 0);
  }
}

async function hearSource(
  { audio }: Source,
  { ear, wish, input, rawRateHz, temporaryDirectory }: Work,
  onProgress: (share: number, audioSeconds: number) => void,
  signal: AbortSignal,
): Promise<HeardRecording> {
  if (audio.kind === 'nothing') throw new CommandError(audio.reason);
  if (audio.kind !== 'input') return await ear.hear(audio, wish, onProgress, signal);
  await using spooled = await spoolInput(input, rawRateHz, temporaryDirectory, signal);
  return await ear.hear({ kind: 'file', path: spooled.path }, wish, onProgress, signal);
}

/** Null for a mistake of the program. */
function refusalOf(error: unknown): { readonly code: string; readonly message: string } | null {
  if (error instanceof EarshotError) return { code: error.code, message: error.message };
  if (error instanceof AppError) {
    const detail = error.detail === undefined ? '' : ` (${error.detail})`;
    return { code: error.code, message: `${error.message}${detail}` };
  }
  if (error instanceof CommandError) return { code: 'nothing_to_hear', message: error.message };
  return null;
}
