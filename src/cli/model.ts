/** GLM-ASR-Nano's weights: from a hub to a checkpoint, from a checkpoint to a model that an engine loads, and its checks. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { worstCase } from '../billing/meter.ts';
import { align, countSteps } from '../evaluate/align.ts';
import { unitsOf } from '../evaluate/text/units.ts';
import { recognizeRecording } from '../recognize/recognize-recording.ts';
import { convert } from '../engines/glm/convert/convert.ts';
import { downloadCheckpoint, REPOSITORY, type HttpGet } from '../engines/glm/fetch/hub.ts';
import { FilesError } from '../engines/glm/files-error.ts';
import { bytesOf, describePrecision } from '../engines/glm/manifest.ts';
import type { Finding } from '../engines/glm/verify/self-check.ts';
import {
  CommandError,
  EXIT,
  JSON_OPTION,
  printResult,
  type Command,
  type CommandInput,
  type Terminal,
} from './command.ts';
import { readChoice } from './read-values.ts';
import { startShare, type ShareStream } from './share.ts';
import type { ChosenEars } from './ears.ts';

export interface ModelServices {
  readonly get: HttpGet;
  /** What the flow needs, with the model in this folder as its one engine. */
  readonly ears: (directory: string) => Promise<Omit<ChosenEars, 'model'>>;
  /** Aborted by Ctrl-C. */
  readonly interruption: () => AbortSignal;
  /** Where bars are drawn. */
  readonly stream: ShareStream;
}

const HUB = 'https://huggingface.co';

/** Bounds a text that is only looked at: nothing is charged. */
const TOKENS_PER_MINUTE = 80_000;

export function modelCommands(services: ModelServices): Command[] {
  return [fetchCommand(services), convertCommand(services), verifyCommand(services)];
}

function fetchCommand({ get, interruption, stream }: ModelServices): Command {
  return {
    name: 'model fetch',
    summary: 'Downloads the checkpoint of GLM-ASR-Nano (4.5 GB), going on where an earlier download broke off.',
    options: {
      to: { value: 'DIR', help: 'the folder for the checkpoint', required: true },
      'base-url': { value: 'URL', help: `the hub or a mirror of it; default ${HUB}` },
      repository: { value: 'NAME', help: `default ${REPOSITORY}` },
      revision: { value: 'NAME', help: 'a branch, a tag or a commit; default main' },
      json: JSON_OPTION,
    },
    example: 'earshot model fetch --to checkpoints/glm-asr-nano-2512',
    run: (input, terminal) =>
      mended(async () => {
        const baseUrl = input.option('base-url') ?? HUB;
        if (!/^https?:/.test(baseUrl) || !URL.canParse(baseUrl))
          throw new CommandError(`${baseUrl} is no http address.`);
        using bar = startShare(stream);
        const files = await downloadCheckpoint({
          baseUrl,
          repository: input.option('repository') ?? REPOSITORY,
          revision: input.option('revision') ?? 'main',
          to: input.required('to'),
          get,
          signal: interruption(),
          onProgress: (done, total) => bar.show(done / total),
        });
        const to = input.required('to');
        printResult(input, terminal, { to, files }, [`${files.length} files are in ${to}: ${files.join(', ')}`]);
        return EXIT.ok;
      }),
  };
}

function convertCommand({ stream }: ModelServices): Command {
  return {
    name: 'model convert',
    summary: 'Makes a model that the engine "glm" loads from a published checkpoint.',
    options: {
      from: { value: 'DIR', help: 'the checkpoint: config.json, *.safetensors, tokenizer.json', required: true },
      to: { value: 'DIR', help: 'the folder to make', required: true },
      encoder: { value: 'PRECISION', help: 'fp32 or int8; default int8' },
      decoder: { value: 'PRECISION', help: 'fp32, int8 or int4; default int4' },
      head: { value: 'PRECISION', help: 'of the last layer, int8 or fp32; default int8' },
      json: JSON_OPTION,
    },
    example: 'earshot model convert --from checkpoints/glm-asr-nano-2512 --to models/glm-asr-nano-2512',
    run: (input, terminal) =>
      mended(async () => {
        const choose = <T extends string>(name: string, byDefault: T, others: readonly T[]): T =>
          readChoice(input, name, [byDefault, ...others]);
        using bar = startShare(stream);
        const { manifest, warnings } = await convert({
          from: input.required('from'),
          to: input.required('to'),
          precision: {
            encoder: choose('encoder', 'int8', ['fp32']),
            decoder: choose('decoder', 'int4', ['int8', 'fp32']),
            head: choose('head', 'int8', ['fp32']),
          },
          onProgress: (share) => bar.show(share),
        });
        bar[Symbol.dispose]();
        for (const warning of warnings) terminal.error(warning);
        const to = input.required('to');
        const [precision, bytes] = [describePrecision(manifest.precision), bytesOf(manifest)];
        printResult(input, terminal, { to, bytes, warnings, ...manifest }, [
          `${to}: ${precision}, ${(bytes / 1e9).toFixed(2)} GB. Look at it with \`earshot model verify ${to}\`.`,
        ]);
        return EXIT.ok;
      }),
  };
}

function verifyCommand(services: ModelServices): Command {
  return {
    name: 'model verify',
    summary: 'Loads a converted model and looks whether it is whole and works.',
    positional: 'DIR',
    options: {
      audio: { value: 'FILE', help: 'a recording to transcribe' },
      reference: { value: 'TEXT', help: 'what is said in it, or a file with that; errors are counted' },
      oracle: { value: 'DIR', help: 'compares with the numbers of a reference: audio.f32, prompt.json, expected.json' },
      json: JSON_OPTION,
    },
    example: 'earshot model verify models/glm-asr-nano-2512 --audio example_en.wav --reference "what is said"',
    run: (input, terminal) =>
      mended(async () => {
        const directory = input.positionals[0] ?? '';
        const oracle = input.option('oracle');
        if (oracle !== undefined) return compare(input, terminal, directory, oracle);
        const { selfCheck } = await import('../engines/glm/verify/self-check.ts');
        const findings = [...(await selfCheck(directory, availableParallelism()))];
        const audio = input.option('audio');
        if (audio !== undefined) findings.push(await listen(services, directory, audio, input.option('reference')));
        const ok = findings.every((finding) => finding.ok);
        const lines = findings.map(
          ({ name, ok: good, finding }) => `${good ? 'ok    ' : 'WRONG '}  ${name}: ${finding}`,
        );
        printResult(input, terminal, { ok, checks: findings }, lines);
        return ok ? EXIT.ok : EXIT.failed;
      }),
  };
}

async function compare(input: CommandInput, terminal: Terminal, directory: string, oracle: string): Promise<number> {
  const threads = availableParallelism();
  const { compareWithOracle, readOracle } = await import('../engines/glm/verify/oracle.ts');
  const differences = await compareWithOracle(directory, readOracle(oracle), { threads });
  const lines = Object.entries(differences).map(([name, value]) => `${name}: ${value}`);
  printResult(input, terminal, differences, lines);
  return EXIT.ok;
}

/** Transcribes a recording as a call would be, and counts the errors where it is known what is said. */
async function listen(
  { ears: open }: ModelServices,
  directory: string,
  path: string,
  reference: string | undefined,
): Promise<Finding> {
  await using ears = await open(directory);
  const { opener, decoder, recognizer, signal } = ears;
  const selection = recognizer.select('glm/glm-asr-2512');
  await using source = await opener.open({ kind: 'file', path }, signal);
  await using recording = await decoder.decode(source, signal);
  const { outputTokens: outputTokensMax } = worstCase(recording.durationMs, TOKENS_PER_MINUTE);
  const { text } = await recognizeRecording(
    recognizer,
    { selection, recording, hints: {}, timestamps: false, outputTokensMax },
    signal,
  );
  if (reference === undefined) return { name: 'audio', ok: true, finding: text };
  const expected = await readFile(reference, 'utf8').catch(() => reference);
  const language = /\p{Script=Han}/u.test(expected) ? 'zh' : 'en';
  const counts = countSteps(align(unitsOf(expected, language), unitsOf(text, language)));
  const units = counts.hits + counts.substitutions + counts.deletions;
  const errors = counts.substitutions + counts.deletions + counts.insertions;
  const rate = `${errors} of ${units} words or characters are wrong (${((100 * errors) / Math.max(1, units)).toFixed(1)} %)`;
  return { name: 'audio', ok: true, finding: `${rate}: ${text}` };
}

/** What the owner of the files can mend ends the command with its sentence. */
async function mended(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof FilesError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
