import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { worstCase } from '../billing/meter.ts';
import type { Clock } from '../core/clock.ts';
import { LAYOUTS, readUtterances } from '../evaluate/layouts.ts';
import { ManifestError, type Utterance } from '../evaluate/manifest.ts';
import { reportHtml } from '../evaluate/report-html.ts';
import { reportJson, reportLines, type Report } from '../evaluate/report.ts';
import { openResultsFile, type Outcome, type ResultsFile } from '../evaluate/results-file.ts';
import { runUtterances } from '../evaluate/run.ts';
import { evaluateOutcomes } from '../evaluate/score.ts';
import { CommandError, EXIT, JSON_OPTION, printResult, type Command, type CommandInput } from './command.ts';
import type { ChosenEars, EngineChoice } from './ears.ts';
import { startProgress, type ProgressStream } from './progress.ts';
import { readChoice, readCount } from './read-values.ts';

export interface EvaluateServices {
  readonly open: (choice: EngineChoice) => Promise<ChosenEars>;
  readonly clock: Clock;
  readonly progressStream: ProgressStream;
}

const PARALLEL_DEFAULT = 4;
const PARALLEL_MAX = 256;

export function evaluateCommand(services: EvaluateServices): Command {
  return {
    name: 'evaluate',
    summary: 'Measures how well an engine hears: word and character error rate, real-time factor.',
    positional: 'MANIFEST|FOLDER',
    options: {
      engine: { value: 'NAME', help: 'the configured engine of this name, and no other' },
      model: { value: 'MODEL', help: 'the model; default glm/glm-asr-2512, or the first with that engine' },
      parallel: { value: 'N', help: `audio files at the same time; default ${PARALLEL_DEFAULT}` },
      output: { value: 'FILE', help: 'keeps what was heard, a JSON line each; the next run goes on from there' },
      html: { value: 'FILE', help: 'writes a report with plots, one page that stands alone' },
      layout: { value: 'LAYOUT', help: `${LAYOUTS.join(', ')}; default: recognised` },
      split: { value: 'NAME', help: 'the part of the set, such as test or TEST_MEETING' },
      language: { value: 'LANGUAGE', help: 'of a folder that does not say it; default en' },
      json: JSON_OPTION,
    },
    example: 'earshot evaluate LibriSpeech/test-clean --output clean.jsonl --html clean.html',
    async run(input, terminal) {
      try {
        const report = await measure(input, services);
        const html = input.option('html');
        if (html !== undefined) await writeReport(html, report);
        printResult(input, terminal, reportJson(report), reportLines(report));
        const { failures, missing } = report.evaluation;
        return failures.length + missing > 0 ? EXIT.failed : EXIT.ok;
      } catch (error) {
        if (error instanceof ManifestError) throw new CommandError(error.message, { cause: error });
        throw error;
      }
    },
  };
}

/** Hears what no earlier run has heard, and counts everything. What failed before is tried again. */
async function measure(input: CommandInput, { open, clock, progressStream }: EvaluateServices): Promise<Report> {
  const parallel = readCount(input, 'parallel', PARALLEL_MAX) ?? PARALLEL_DEFAULT;
  const utterances = await readUtterances(resolve(input.positionals[0] ?? ''), layoutOptions(input));
  const engine = input.option('engine') ?? null;
  await using ears = await open({ engine, model: input.option('model') ?? null });
  const { model, signal } = ears;
  const selection = ears.recognizer.select(model);
  await using results = await openResults(input, { model, engine });
  const outcomes = new Map(results?.earlier);
  const waiting = utterances.filter(({ id }) => isOpen(outcomes.get(id)));
  for (const { id } of waiting) outcomes.delete(id);
  await ears.started;
  const startedAt = clock.now();
  let newSeconds = 0;
  {
    using progress = startProgress(waiting.length, progressStream, clock);
    const onOutcome = async (utterance: Utterance, outcome: Outcome): Promise<void> => {
      await results?.append(utterance.id, outcome);
      outcomes.set(utterance.id, outcome);
      const seconds = 'error' in outcome ? 0 : outcome.audioSeconds;
      newSeconds += seconds;
      progress.advance(1, seconds);
    };
    const outputTokensMax = (durationMs: number): number =>
      worstCase(durationMs, selection.model.audioTokensPerMinute).outputTokens;
    const running = runUtterances(
      waiting,
      { ...ears, clock },
      { selection, parallel, outputTokensMax, onOutcome },
      signal,
    );
    // After Ctrl-C the figures of what is there are still worth printing.
    await running.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  const elapsedSeconds = (clock.now() - startedAt) / 1000;
  return {
    evaluation: evaluateOutcomes(utterances, outcomes),
    model,
    engine,
    interrupted: signal.aborted,
    throughput: newSeconds === 0 || elapsedSeconds === 0 ? null : newSeconds / elapsedSeconds,
    createdAt: new Date(clock.now()).toISOString(),
  };
}

function isOpen(outcome: Outcome | undefined): boolean {
  return outcome === undefined || 'error' in outcome;
}

function layoutOptions(input: CommandInput): Parameters<typeof readUtterances>[1] {
  const [language, split] = [input.option('language'), input.option('split')];
  return {
    ...(input.option('layout') === undefined ? {} : { layout: readChoice(input, 'layout', LAYOUTS) }),
    ...(language === undefined ? {} : { language }),
    ...(split === undefined ? {} : { split }),
  };
}

async function openResults(
  input: CommandInput,
  subject: Parameters<typeof openResultsFile>[1],
): Promise<ResultsFile | null> {
  const path = input.option('output');
  return path === undefined ? null : openResultsFile(resolve(path), subject);
}

async function writeReport(path: string, report: Report): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  await writeFile(path, reportHtml(report));
}
