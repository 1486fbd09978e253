/** A statement as a table for other programs. */
import { csvText } from '../core/csv.ts';
import type { Statement, StatementLine } from './statement.ts';

const CSV_COLUMNS = [
  'model',
  'key_id',
  'key_name',
  'requests',
  'seconds',
  'input_tokens',
  'output_tokens',
  'list_usd',
  'discount_usd',
  'cost_usd',
] as const satisfies readonly (keyof StatementLine)[];

/** A head, and one row for each line. */
export function statementCsv({ lines }: Statement): string {
  return csvText([CSV_COLUMNS, ...lines.map((line) => CSV_COLUMNS.map((column) => line[column]))]);
}
