import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { align, countSteps, type Counts, type Step } from './align.ts';

const countsOf = (reference: string, text: string): Counts =>
  countSteps(align(reference.split(' ').filter(Boolean), text.split(' ').filter(Boolean)));

test('each word replaced, left out or added is one error of its kind', () => {
  const none = { hits: 4, substitutions: 0, deletions: 0, insertions: 0 };
  assert.deepEqual(countsOf('one two three four', 'one two three four'), none);
  assert.deepEqual(countsOf('one two three four', 'one too three four'), { ...none, hits: 3, substitutions: 1 });
  assert.deepEqual(countsOf('one two three four', 'one three four'), { ...none, hits: 3, deletions: 1 });
  assert.deepEqual(countsOf('one two three four', 'one two and three four'), { ...none, insertions: 1 });
  assert.deepEqual(countsOf('', 'one'), { hits: 0, substitutions: 0, deletions: 0, insertions: 1 });
  assert.deepEqual(countsOf('one two', ''), { hits: 0, substitutions: 0, deletions: 2, insertions: 0 });
});

test('of two ways with as many errors, the one with more substitutions is counted', () => {
  assert.deepEqual(countsOf('a b', 'b c'), { hits: 0, substitutions: 2, deletions: 0, insertions: 0 });
});

/** Every way there is, tried: errors first, then insertions and deletions. */
function bestBySearch(reference: readonly string[], text: readonly string[]): [number, number] {
  const [word, ...words] = reference;
  const [other, ...others] = text;
  if (word === undefined || other === undefined) {
    const rest = reference.length + text.length;
    return [rest, rest];
  }
  const [errors, gaps] = bestBySearch(words, others);
  const ways = [
    [errors + (word === other ? 0 : 1), gaps],
    ...[bestBySearch(words, text), bestBySearch(reference, others)].map(([count, gap]) => [count + 1, gap + 1]),
  ] as [number, number][];
  return ways.reduce((best, way) => (way[0] < best[0] || (way[0] === best[0] && way[1] < best[1]) ? way : best));
}

/** Both sides can be read off an alignment again. */
function assertComplete(steps: readonly Step[], reference: readonly string[], text: readonly string[]): void {
  assert.deepEqual(
    steps.flatMap((step) => step.reference ?? []),
    reference,
  );
  assert.deepEqual(
    steps.flatMap((step) => step.text ?? []),
    text,
  );
}

const units = (maxLength: number) => fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength });

test('short alignments are what a search of all of them finds', () => {
  fc.assert(
    fc.property(units(7), units(7), (reference, text) => {
      const steps = align(reference, text);
      assertComplete(steps, reference, text);
      const { substitutions, deletions, insertions } = countSteps(steps);
      assert.deepEqual([substitutions + deletions + insertions, deletions + insertions], bestBySearch(reference, text));
    }),
    { numRuns: 300 },
  );
});

/** A plain table of pairs, errors first, then insertions and deletions. */
function bestByTable(reference: readonly string[], text: readonly string[]): [number, number] {
  let row = Array.from({ length: text.length + 1 }, (_, count): [number, number] => [count, count]);
  for (const [index, word] of reference.entries()) {
    const next: [number, number][] = [[index + 1, index + 1]];
    for (const [column, other] of text.entries()) {
      const [errors, gaps] = row[column] ?? [0, 0];
      const ways = [row[column + 1] ?? [0, 0], next[column] ?? [0, 0]].map(([count, gap]) => [count + 1, gap + 1]);
      const all = [[errors + (word === other ? 0 : 1), gaps], ...ways] as [number, number][];
      next.push(all.toSorted((one, two) => one[0] - two[0] || one[1] - two[1])[0] ?? [0, 0]);
    }
    row = next;
  }
  return row.at(-1) ?? [0, 0];
}

test('alignments that are too long for one table have the counts of the plain one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { minLength: 1_100, maxLength: 1_300 }),
      fc.infiniteStream(fc.nat(20)),
      (words, more) => {
        const reference = words.map(String);
        // A text with errors of every kind, all over.
        const text = reference.flatMap((word) => {
          const { value } = more.next();
          if (value === 0) return [];
          if (value === 1) return [`${word}x`];
          return value === 2 ? [word, 'more'] : [word];
        });
        const steps = align(reference, text);
        assertComplete(steps, reference, text);
        const { substitutions, deletions, insertions } = countSteps(steps);
        assert.deepEqual(
          [substitutions + deletions + insertions, deletions + insertions],
          bestByTable(reference, text),
        );
      },
    ),
    { numRuns: 3 },
  );
});

test('ten thousand words are aligned without a table of a hundred million cells', () => {
  const reference = Array.from({ length: 10_000 }, (_, index) => String(index % 997));
  const text = reference.filter((_, index) => index % 10 !== 3);
  const before = process.memoryUsage().arrayBuffers;
  assert.deepEqual(countSteps(align(reference, text)), {
    hits: 9_000,
    substitutions: 0,
    deletions: 1_000,
    insertions: 0,
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 200_000_000);
});
