/** An account's statement with what a page shows beside it: its months, its contract, its balance. */
import { sql } from 'kysely';
import { monthOf, DAY_MS } from '../billing/month.ts';
import { statement } from '../billing/statement.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { showContract } from './people-rows.ts';
import { isoTime } from './page.ts';

const ENTRIES_MAX = 100;

/** The file has all of them. */
const LINES_SHOWN = 500;

/** Throws `not_found`. */
export async function statementPage(db: Db, accountId: string, month: string, now: number) {
  const made = await statement(db, accountId, month, LINES_SHOWN);
  return {
    account: { account_id: accountId, name: made.account_name },
    month,
    closed: month < monthOf(now),
    lines: made.lines,
    total: made.total,
    months: await monthsOf(db, accountId),
    contract: await contractOf(db, accountId, now),
    balance: await balanceOf(db, accountId),
  };
}

async function monthsOf(db: Db, accountId: string) {
  const { rows } = await sql<{ day: number; cost_nano_usd: bigint }>`
    select day, sum(cost_nano_usd) as cost_nano_usd from account_day where account_id = ${accountId}
    group by day order by day desc`.execute(db);
  const months = new Map<string, bigint>();
  for (const row of rows) {
    const month = monthOf(row.day * DAY_MS);
    months.set(month, (months.get(month) ?? 0n) + row.cost_nano_usd);
  }
  return [...months].map(([month, cost]) => ({ month, cost_usd: formatUsd(cost) }));
}

async function contractOf(db: Db, accountId: string, now: number) {
  const row = await db
    .selectFrom('contract')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('valid_from', '<=', now)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : showContract(row);
}

/** Null where the account is not prepaid and never had a credit: a balance would only say what it was charged. */
export async function balanceOf(db: Db, accountId: string) {
  const row = await db.selectFrom('account_balance').selectAll().where('account_id', '=', accountId).executeTakeFirst();
  if (row === undefined) return null;
  const account = `account:${accountId}`;
  const of = (side: 'credit_account' | 'debit_account') =>
    db
      .selectFrom('transfer')
      .select(['transfer_id', 'kind', 'amount_nano_usd', 'note', 'created_at'])
      .where(side, '=', account)
      .where('hold_id', 'is', null)
      .orderBy('created_at', 'desc')
      .limit(ENTRIES_MAX)
      .execute();
  const [credits, debits] = await Promise.all([of('credit_account'), of('debit_account')]);
  const entries = [...credits, ...debits].toSorted(
    (one, other) => other.created_at - one.created_at || (one.transfer_id < other.transfer_id ? 1 : -1),
  );
  if (row.prepaid === 0 && entries.length === 0) return null;
  return {
    prepaid: row.prepaid === 1,
    balance_usd: formatUsd(row.balance_nano_usd),
    held_usd: formatUsd(row.held_nano_usd),
    entries: entries.slice(0, ENTRIES_MAX).map((entry) => ({
      kind: entry.kind === 'credit' ? ('credit' as const) : ('debit' as const),
      amount_usd: formatUsd(entry.amount_nano_usd),
      note: entry.note,
      created_at: isoTime(entry.created_at),
    })),
  };
}
