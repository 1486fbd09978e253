import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalOfRate } from './bootstrap.ts';
import type { Utterance } from './manifest.ts';
import { reportJson, reportLines, type Report } from './report.ts';
import type { Outcome } from './results-file.ts';
import { evaluateOutcomes, rateOf, worstOf, type Evaluation } from './score.ts';

function evaluation(rows: readonly (readonly [string, string, string | null])[]): Evaluation {
  const utterances = rows.map(([language, reference], index): Utterance => {
    return { id: String(index), audio: `/x/${index}`, reference, language };
  });
  const outcomes = rows.flatMap(([, , text], index): [string, Outcome][] => {
    if (text === null) return [];
    const heard = { text, engine: 'e', audioSeconds: 4, processingSeconds: 1, warnings: ['stand_in_engine'] };
    return [[String(index), text === 'fails' ? { error: 'engine_failed: No.' } : heard]];
  });
  return evaluateOutcomes(utterances, new Map(outcomes));
}

test('totals are sums of errors by sums of units, and words are never added to characters', () => {
  const { totals, languages, failures, missing, overall, warnings } = evaluation([
    ['en', 'red green blue white', 'red green blue'],
    ['en-GB', 'a colour', 'a color and more'],
    ['zh', '我还能再搞一个', '我还能在搞1个'],
    ['fr', 'bonjour', 'bonsoir'],
    ['en', 'lost', 'fails'],
    ['en', 'later', null],
  ]);
  const { words, characters } = totals;
  assert.deepEqual(
    [words?.units, words?.errors, words?.substitutions, words?.deletions, words?.insertions, words?.hits],
    [7, 4, 1, 1, 2, 5],
  );
  assert.equal(words?.rate, 4 / 7);
  assert.deepEqual([characters?.units, characters?.errors, characters?.rate], [7, 1, 1 / 7]);
  assert.deepEqual(
    languages.map(({ language, utterances }) => [language, utterances]),
    [
      ['en', 2],
      ['zh', 1],
      ['fr', 1],
    ],
  );
  assert.deepEqual(failures, [{ id: '4', error: 'engine_failed: No.' }]);
  assert.equal(missing, 1);
  assert.deepEqual(overall, { audioSeconds: 16, processingSeconds: 4, realTimeFactor: 0.25 });
  assert.deepEqual(warnings, { stand_in_engine: 4 });
});

test('nothing said and something heard is wrong, nothing heard is right, and neither divides by nothing', () => {
  const { scored, totals } = evaluation([
    ['en', '', 'you'],
    ['en', '(noise)', ''],
  ]);
  assert.deepEqual(scored.map(rateOf), [1, 0]);
  assert.deepEqual([totals.words?.errors, totals.words?.rate, totals.words?.interval], [1, null, null]);
});

test('the worst come first, and those without an error never', () => {
  const { scored } = evaluation([
    ['en', 'red blue', 'red blue'],
    ['en', 'red blue green', 'red blue grün'],
    ['en', 'red blue', 'rot blue'],
    ['en', 'red blue red blue', 'rot blue rot blue'],
  ]);
  assert.deepEqual(
    worstOf(scored, 20).map(({ utterance }) => utterance.id),
    ['3', '2', '1'],
  );
  assert.deepEqual(
    worstOf(scored, 1).map(({ utterance }) => utterance.id),
    ['3'],
  );
});

test('the interval is the same in every run, holds the rate, and narrows with more recordings', () => {
  const group = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ errors: index % 5 === 0 ? 5 : 0, units: 10 }));
  const few = intervalOfRate(group(25));
  assert.deepEqual(few, intervalOfRate(group(25)));
  assert.ok(few.low < 0.1 && few.high > 0.1, JSON.stringify(few));
  // The spread of a mean of 25 such recordings is 0.04, and 95 % lie within 1.96 of it.
  assert.ok(Math.abs(few.high - few.low - 2 * 1.96 * 0.04) < 0.03, JSON.stringify(few));
  const many = intervalOfRate(group(2_500));
  assert.ok(many.high - many.low < (few.high - few.low) / 5);
  assert.deepEqual(intervalOfRate([{ errors: 1, units: 4 }]), { low: 0.25, high: 0.25 });
});

test('JSON and lines say the same, with each difference in its place', () => {
  const report: Report = {
    evaluation: evaluation([
      ['en', 'Go forward ten metres, now.', 'go for 10 meters right now'],
      ['zh', '我还能', '我能'],
    ]),
    model: 'a/b',
    engine: null,
    interrupted: false,
    throughput: 12.5,
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  const json = reportJson(report) as { worst: { id: string; diff: string }[]; words: { rate: number } };
  assert.deepEqual(
    json.worst.map(({ diff }) => diff),
    ['go [-forward-]{+for+} 10 meters {+right+} now', '我[-还-]能'],
  );
  assert.equal(json.words.rate, 0.4);
  const lines = reportLines(report).join('\n');
  assert.match(lines, /word error rate: 40\.00 % .* of 5 words: 1 replaced, 0 left out, 1 added/);
  assert.match(lines, /character error rate: 33\.33 %/);
  assert.match(lines, /this run 12\.5 × real time/);
});
