/** One run and its figures, as JSON and as lines for a terminal. */
import type { Step } from './align.ts';
import { rateOf, stepsOf, worstOf, type Evaluation, type ScoredUtterance, type Totals } from './score.ts';
import { measureOf, type Measure } from './text/units.ts';

export interface Report {
  readonly evaluation: Evaluation;
  readonly model: string;
  readonly engine: string | null;
  /** Whether it was ended before all recordings were heard. */
  readonly interrupted: boolean;
  /** Seconds of audio for each second of this run; null where it heard nothing new. */
  readonly throughput: number | null;
  /** ISO 8601. */
  readonly createdAt: string;
}

export const WORST_COUNT = 20;
export const RATE_NAMES: Readonly<Record<Measure, string>> = {
  words: 'word error rate',
  characters: 'character error rate',
};

export function reportJson({ evaluation, model, engine, interrupted, throughput, createdAt }: Report): unknown {
  const { scored, failures, missing, totals, languages, overall, warnings, engines } = evaluation;
  return {
    model,
    engine,
    engines,
    created_at: createdAt,
    interrupted,
    recordings: { heard: scored.length, failed: failures.length, missing },
    words: totals.words === undefined ? null : totalsJson(totals.words),
    characters: totals.characters === undefined ? null : totalsJson(totals.characters),
    languages: languages.map(({ language, measure, ...rest }) => ({ language, measure, ...totalsJson(rest) })),
    audio_seconds: overall.audioSeconds,
    processing_seconds: overall.processingSeconds,
    real_time_factor: overall.realTimeFactor,
    throughput,
    warnings,
    worst: worstOf(scored, WORST_COUNT).map((one) => ({
      id: one.utterance.id,
      language: one.utterance.language,
      rate: rateOf(one),
      errors: one.errors,
      units: one.units,
      reference: one.utterance.reference,
      text: one.heard.text,
      diff: diffLine(one),
    })),
    failures,
  };
}

function totalsJson(totals: Totals): Record<string, unknown> {
  const { utterances, units, errors, hits, substitutions, deletions, insertions, rate, interval } = totals;
  const { audioSeconds, processingSeconds, realTimeFactor } = totals;
  return {
    rate,
    interval_95: interval === null ? null : [interval.low, interval.high],
    recordings: utterances,
    units,
    errors,
    hits,
    substitutions,
    deletions,
    insertions,
    audio_seconds: audioSeconds,
    processing_seconds: processingSeconds,
    real_time_factor: realTimeFactor,
  };
}

export function reportLines({ evaluation, model, engine, interrupted, throughput }: Report): string[] {
  const { scored, failures, missing, totals, languages, overall } = evaluation;
  const measures = (['words', 'characters'] as const).flatMap((measure) => {
    const found = totals[measure];
    return found === undefined ? [] : [`${RATE_NAMES[measure]}: ${rateLine(found, measure)}`];
  });
  return [
    `${model}${engine === null ? '' : ` on ${engine}`}: ${scored.length} heard, ${failures.length} failed${missing > 0 ? `, ${missing} not reached` : ''}${interrupted ? ' (interrupted)' : ''}`,
    ...measures,
    ...(languages.length < 2 ? [] : languages.map((one) => `  ${one.language}: ${rateLine(one, one.measure)}`)),
    `audio: ${overall.audioSeconds.toFixed(1)} s, real-time factor ${decimal(overall.realTimeFactor)}${throughput === null ? '' : `, this run ${throughput.toFixed(1)} × real time`}`,
    ...warningLines(evaluation),
    ...worstOf(scored, WORST_COUNT).flatMap((one, index) => [
      ...(index === 0 ? ['', 'The worst, with [-what was said-] and {+what was heard+}:'] : []),
      `  ${percent(rateOf(one))}  ${one.utterance.id}`,
      `    ${diffLine(one)}`,
    ]),
    ...failures.flatMap(({ id, error }, index) => [...(index === 0 ? ['', 'Failed:'] : []), `  ${id}: ${error}`]),
  ];
}

export function rateLine(totals: Totals, measure: Measure): string {
  const { rate, interval, units, substitutions, deletions, insertions } = totals;
  const range = interval === null ? '' : ` (95 %: ${percent(interval.low)} to ${percent(interval.high)})`;
  return `${percent(rate)}${range} of ${units} ${measure}: ${substitutions} replaced, ${deletions} left out, ${insertions} added`;
}

/** What a caller would have been warned of, since it may explain the figures. */
export function warningLines({ warnings }: Evaluation): string[] {
  return Object.entries(warnings).map(([code, count]) => `${count} recordings came with the warning ${code}.`);
}

/** The units side by side; without spaces where the language writes none. */
function diffLine({ utterance, heard }: ScoredUtterance): string {
  const between = measureOf(utterance.language) === 'characters' ? '' : ' ';
  return stepsOf(utterance, heard.text)
    .map(({ reference, text }: Step) => {
      if (reference === text) return reference ?? '';
      return `${reference === null ? '' : `[-${reference}-]`}${text === null ? '' : `{+${text}+}`}`;
    })
    .join(between);
}

export function percent(share: number | null): string {
  return share === null ? 'none' : `${(share * 100).toFixed(2)} %`;
}

export function decimal(value: number | null): string {
  return value === null ? 'none' : value.toFixed(3);
}
