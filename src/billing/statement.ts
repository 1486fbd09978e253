/** What an account owes for a calendar month (UTC), line by line: the lines add up to its settlements to the nano-dollar. */
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { NO_SUMS, subtractSums, type Sums } from './sums.ts';

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

/**
 * `not_found` where there is no such account.
 * @param linesMax where there are more, those that cost most stand there, and one line for all others: the lines add up.
 */
export async function statement(
  db: Db,
  accountId: string,
  month: string,
  linesMax: number = LINES_MAX,
): Promise<Statement> {
  const account = await db.selectFrom('account').select('name').where('account_id', '=', accountId).executeTakeFirst();
  if (account === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
  const { rows } = await sql<StatementRow>`
    select model, most.key_id, api_key.name as key_name, requests, duration_ms, input_tokens, output_tokens,
      list_nano_usd, cost_nano_usd
    from (select * from key_month where account_id = ${accountId} and month = ${month}
      order by cost_nano_usd desc, key_id, model limit ${linesMax}) as most
    join api_key on api_key.key_id = most.key_id order by 1, 2`.execute(db);
  const total = await totalOf(db, accountId, month);
  const others = rows.reduce<Sums>(subtractSums, total);
  const other: StatementRow = { model: '', key_id: 'other', key_name: 'all other lines', ...others };
  return {
    account_id: accountId,
    account_name: account.name,
    month,
    lines: (others.requests > 0 ? [...rows, other] : rows).map((row) => ({
      model: row.model,
      key_id: row.key_id,
      key_name: row.key_name,
      ...toAmounts(row),
    })),
    total: toAmounts(total),
  };
}

/** A file has as many lines as anybody has. */
const LINES_MAX = 1_000_000;

type StatementRow = Sums & { readonly model: string; readonly key_id: string; readonly key_name: string };

async function totalOf(db: Db, accountId: string, month: string): Promise<Sums> {
  const { rows } = await sql<Sums>`
    select sum(requests) as requests, sum(duration_ms) as duration_ms, sum(input_tokens) as input_tokens,
      sum(output_tokens) as output_tokens, sum(list_nano_usd) as list_nano_usd, sum(cost_nano_usd) as cost_nano_usd
    from key_month where account_id = ${accountId} and month = ${month} having count(*) > 0`.execute(db);
  return rows[0] ?? NO_SUMS;
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
