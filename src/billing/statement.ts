/** What an account owes for a calendar month (UTC), line by line: the lines add up to its settlements to the nano-dollar. */
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { daysOfMonth } from './month.ts';
import { addSums, NO_SUMS, type Sums } from './sums.ts';

export interface StatementAmounts {
  /** All calls, refused ones too. */
  readonly requests: number;
  /** Of decoded audio. */
  readonly seconds: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** The list amount, what was taken off it, and what is owed. */
  readonly list_usd: string;
  readonly discount_usd: string;
  readonly cost_usd: string;
}

export interface StatementLine extends StatementAmounts {
  /** Empty for refused calls that named no known model. */
  readonly model: string;
  readonly key_id: string;
  readonly key_name: string;
}

export interface Statement {
  readonly account_id: string;
  readonly account_name: string;
  /** Such as `2026-07`. */
  readonly month: string;
  readonly lines: readonly StatementLine[];
  readonly total: StatementAmounts;
}

/** `not_found` where there is no such account. */
export async function statement(db: Db, accountId: string, month: string): Promise<Statement> {
  const account = await db.selectFrom('account').select('name').where('account_id', '=', accountId).executeTakeFirst();
  if (account === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
  const { first, end } = daysOfMonth(month);
  const { rows } = await sql<Sums & { model: string; key_id: string; key_name: string }>`
    select usage_day.model, usage_day.key_id, api_key.name as key_name, sum(requests) as requests,
      sum(duration_ms) as duration_ms, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(list_nano_usd) as list_nano_usd, sum(cost_nano_usd) as cost_nano_usd
    from usage_day join api_key on api_key.key_id = usage_day.key_id
    where usage_day.account_id = ${accountId} and day >= ${first} and day < ${end}
    group by 1, 2, 3 order by 1, 2`.execute(db);
  return {
    account_id: accountId,
    account_name: account.name,
    month,
    lines: rows.map((row) => ({
      model: row.model,
      key_id: row.key_id,
      key_name: row.key_name,
      ...toAmounts(row),
    })),
    total: toAmounts(rows.reduce(addSums, NO_SUMS)),
  };
}

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

/** RFC 4180: a head, and one row for each line. */
export function statementCsv({ lines }: Statement): string {
  const rows = lines.map((line) => CSV_COLUMNS.map((column) => csvField(String(line[column]))));
  return [CSV_COLUMNS, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function toAmounts(sums: Sums): StatementAmounts {
  return {
    requests: sums.requests,
    seconds: sums.duration_ms / 1000,
    input_tokens: sums.input_tokens,
    output_tokens: sums.output_tokens,
    list_usd: formatUsd(sums.list_nano_usd),
    discount_usd: formatUsd(sums.list_nano_usd - sums.cost_nano_usd),
    cost_usd: formatUsd(sums.cost_nano_usd),
  };
}
