/** Word by word beside the reference: the least number of errors that explains the difference, and which they are. */

export interface Counts {
  /** Units of the reference that the text has in the same place. */
  readonly hits: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
}

/** One place of an alignment: null in `reference` is an insertion, null in `text` a deletion. */
export interface Step {
  readonly reference: string | null;
  readonly text: string | null;
}

/**
 * An alignment with the fewest errors, and among those with the most substitutions, so that the counts are always the
 * same. Memory grows with the length of both, not with their product: an hour of speech has ten thousand words.
 */
export function align(reference: readonly string[], text: readonly string[]): Step[] {
  const numbers = new Map<string, number>();
  const numberOf = (unit: string): number => {
    const number = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, number);
    return number;
  };
  const from = Int32Array.from(reference, numberOf);
  const to = Int32Array.from(text, numberOf);
  const pairs: Pair[] = [];
  alignPart(from, to, 0, 0, pairs);
  return pairs.map(([row, column]) => ({
    reference: row === null ? null : (reference[row] ?? null),
    text: column === null ? null : (text[column] ?? null),
  }));
}

export function countSteps(steps: readonly Step[]): Counts {
  let [hits, substitutions, deletions, insertions] = [0, 0, 0, 0];
  for (const { reference, text } of steps) {
    if (reference === null) insertions += 1;
    else if (text === null) deletions += 1;
    else if (reference === text) hits += 1;
    else substitutions += 1;
  }
  return { hits, substitutions, deletions, insertions };
}

/** Indexes into both sides; null where one side has nothing. */
type Pair = readonly [number | null, number | null];

/**
 * An error costs so much, and an insertion or deletion one more than a substitution. The sum of the small parts stays
 * below one error for texts of up to ten million units, and all sums are whole numbers that a double holds exactly.
 */
const ERROR = 2 ** 24;
const GAP = ERROR + 1;

/** Cells of a table that is kept whole, to walk back through it; above that the problem is halved first. */
const CELLS_MAX = 1_000_000;

/** Appends the alignment of a part; `rowsBefore` and `columnsBefore` say where the part begins. */
function alignPart(from: Int32Array, to: Int32Array, rowsBefore: number, columnsBefore: number, pairs: Pair[]): void {
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) {
    pairs.push([rowsBefore + start, columnsBefore + start]);
    start += 1;
  }
  const [rest, other] = [from.subarray(start), to.subarray(start)];
  const [rows, columns] = [rowsBefore + start, columnsBefore + start];
  if (rest.length <= 1 || other.length <= 1 || (rest.length + 1) * (other.length + 1) <= CELLS_MAX) {
    walkBack(rest, other, rows, columns, pairs);
    return;
  }
  // Hirschberg's halving: the best way passes the middle row where the costs before and after it add up to the least.
  const middle = rest.length >> 1;
  const before = lastRow(rest.subarray(0, middle), other);
  const after = lastRow(rest.slice(middle).reverse(), other.slice().reverse());
  let best = 0;
  for (let column = 1; column <= other.length; column += 1) {
    if (costAt(before, after, column) < costAt(before, after, best)) best = column;
  }
  alignPart(rest.subarray(0, middle), other.subarray(0, best), rows, columns, pairs);
  alignPart(rest.subarray(middle), other.subarray(best), rows + middle, columns + best, pairs);
}

function costAt(before: Float64Array, after: Float64Array, column: number): number {
  return (before[column] ?? 0) + (after[after.length - 1 - column] ?? 0);
}

/** The cost of turning all of `from` into each beginning of `to`. */
function lastRow(from: Int32Array, to: Int32Array): Float64Array {
  const row = Float64Array.from({ length: to.length + 1 }, (_, column) => column * GAP);
  for (let index = 0; index < from.length; index += 1) {
    let diagonal = row[0] ?? 0;
    row[0] = diagonal + GAP;
    for (let column = 1; column <= to.length; column += 1) {
      const above = row[column] ?? 0;
      const replaced = diagonal + (from[index] === to[column - 1] ? 0 : ERROR);
      row[column] = Math.min(replaced, above + GAP, (row[column - 1] ?? 0) + GAP);
      diagonal = above;
    }
  }
  return row;
}

/** The whole table, and the way back through it. */
function walkBack(from: Int32Array, to: Int32Array, rowsBefore: number, columnsBefore: number, pairs: Pair[]): void {
  const width = to.length + 1;
  const costs = new Float64Array((from.length + 1) * width);
  const at = (row: number, column: number): number => costs[row * width + column] ?? 0;
  const stepCost = (row: number, column: number): number => (from[row - 1] === to[column - 1] ? 0 : ERROR);
  for (let row = 0; row <= from.length; row += 1) {
    for (let column = 0; column < width; column += 1) {
      if (row === 0 || column === 0) costs[row * width + column] = (row + column) * GAP;
      else {
        const gap = Math.min(at(row - 1, column), at(row, column - 1)) + GAP;
        costs[row * width + column] = Math.min(at(row - 1, column - 1) + stepCost(row, column), gap);
      }
    }
  }
  const back: Pair[] = [];
  let [row, column] = [from.length, to.length];
  while (row > 0 || column > 0) {
    const cost = at(row, column);
    if (row > 0 && column > 0 && cost === at(row - 1, column - 1) + stepCost(row, column)) {
      row -= 1;
      column -= 1;
      back.push([rowsBefore + row, columnsBefore + column]);
    } else if (row > 0 && cost === at(row - 1, column) + GAP) {
      row -= 1;
      back.push([rowsBefore + row, null]);
    } else {
      column -= 1;
      back.push([null, columnsBefore + column]);
    }
  }
  for (const pair of back.reverse()) pairs.push(pair);
}
