/** From what was said and what was heard to figures. */
import { align, countSteps, type Counts, type Step } from './align.ts';
import { intervalOfRate, type Interval } from './bootstrap.ts';
import type { Utterance } from './manifest.ts';
import type { Heard, Outcome } from './results-file.ts';
import { baseOf, measureOf, unitsOf, type Measure } from './text/units.ts';

export interface Score extends Counts {
  /** Words or characters of the reference. */
  readonly units: number;
  readonly errors: number;
}

export interface ScoredUtterance extends Score {
  readonly utterance: Utterance;
  readonly heard: Heard;
}

export interface Totals extends Score {
  readonly utterances: number;
  /** Errors by units of the reference; null where the references are empty. */
  readonly rate: number | null;
  /** Where the rate lies with 95 % certainty, as far as chance in the choice of recordings goes. */
  readonly interval: Interval | null;
  readonly audioSeconds: number;
  readonly processingSeconds: number;
  /** Processing time by audio time, each recording by itself; null without audio. */
  readonly realTimeFactor: number | null;
}

export interface LanguageTotals extends Totals {
  readonly language: string;
  readonly measure: Measure;
}

export interface Failure {
  readonly id: string;
  readonly error: string;
}

export interface Evaluation {
  readonly scored: readonly ScoredUtterance[];
  readonly failures: readonly Failure[];
  /** Recordings that no run has come to yet. */
  readonly missing: number;
  /** Words and characters are never added up: one total for each measure that occurs. */
  readonly totals: Partial<Readonly<Record<Measure, Totals>>>;
  readonly languages: readonly LanguageTotals[];
  /** How many recordings came with each warning, such as `stand_in_engine`. */
  readonly warnings: Readonly<Record<string, number>>;
  /** The engines that gave the texts. */
  readonly engines: readonly string[];
  /** All recordings with text, whatever their measure. */
  readonly overall: Pick<Totals, 'audioSeconds' | 'processingSeconds' | 'realTimeFactor'>;
}

/** Texts are compared anew at each run: a result on disk holds what was heard, not what it was counted as. */
export function evaluateOutcomes(utterances: readonly Utterance[], outcomes: ReadonlyMap<string, Outcome>): Evaluation {
  const scored: ScoredUtterance[] = [];
  const failures: Failure[] = [];
  let missing = 0;
  for (const utterance of utterances) {
    const outcome = outcomes.get(utterance.id);
    if (outcome === undefined) missing += 1;
    else if ('error' in outcome) failures.push({ id: utterance.id, error: outcome.error });
    else scored.push({ utterance, heard: outcome, ...scoreOf(utterance, outcome.text) });
  }
  const byMeasure = groupBy(scored, ({ utterance }) => measureOf(utterance.language));
  const byLanguage = groupBy(scored, ({ utterance }) => baseOf(utterance.language));
  return {
    scored,
    failures,
    missing,
    totals: Object.fromEntries([...byMeasure].map(([measure, group]) => [measure, totalsOf(group)])),
    languages: [...byLanguage].map(([language, group]) => ({
      language,
      measure: measureOf(language),
      ...totalsOf(group),
    })),
    warnings: Object.fromEntries(
      [
        ...groupBy(
          scored.flatMap(({ heard }) => heard.warnings),
          (code) => code,
        ),
      ].map(([code, all]) => [code, all.length]),
    ),
    engines: [...new Set(scored.map(({ heard }) => heard.engine))],
    overall: speedOf(scored),
  };
}

/** The alignment of one text with its reference, in the units that its language is counted in. */
export function stepsOf({ reference, language }: Utterance, text: string): Step[] {
  return align(unitsOf(reference, language), unitsOf(text, language));
}

function scoreOf(utterance: Utterance, text: string): Score {
  const counts = countSteps(stepsOf(utterance, text));
  const { hits, substitutions, deletions, insertions } = counts;
  return { ...counts, units: hits + substitutions + deletions, errors: substitutions + deletions + insertions };
}

function totalsOf(group: readonly ScoredUtterance[]): Totals {
  const sum = (count: (scored: ScoredUtterance) => number): number =>
    group.reduce((total, scored) => total + count(scored), 0);
  const units = sum((scored) => scored.units);
  const errors = sum((scored) => scored.errors);
  return {
    utterances: group.length,
    units,
    errors,
    hits: sum(({ hits }) => hits),
    substitutions: sum(({ substitutions }) => substitutions),
    deletions: sum(({ deletions }) => deletions),
    insertions: sum(({ insertions }) => insertions),
    rate: units === 0 ? null : errors / units,
    interval: units === 0 ? null : intervalOfRate(group),
    ...speedOf(group),
  };
}

function speedOf(group: readonly ScoredUtterance[]): Evaluation['overall'] {
  const audioSeconds = group.reduce((total, { heard }) => total + heard.audioSeconds, 0);
  const processingSeconds = group.reduce((total, { heard }) => total + heard.processingSeconds, 0);
  return {
    audioSeconds,
    processingSeconds,
    realTimeFactor: audioSeconds === 0 ? null : processingSeconds / audioSeconds,
  };
}

/** Errors by units of one recording; where nothing was said, everything that was heard is wrong. */
export function rateOf({ errors, units }: Score): number {
  return errors === 0 ? 0 : errors / Math.max(units, 1);
}

/** Those with the most errors by their length, the longer first among equals. */
export function worstOf(scored: readonly ScoredUtterance[], count: number): ScoredUtterance[] {
  return scored
    .filter(({ errors }) => errors > 0)
    .toSorted((one, other) => rateOf(other) - rateOf(one) || other.errors - one.errors)
    .slice(0, count);
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
