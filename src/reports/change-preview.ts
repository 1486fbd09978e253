/**
 * What last month would have come to with another price or another contract: its usage, day by day, charged anew. It is as
 * exact as the totals of a day, key and model are: each call is rounded up by itself, so that the sums may differ from a
 * charge of every call by less than a nano-dollar a call.
 */
import { sql } from 'kysely';
import { DAY_MS, daysOfMonth, monthOf } from '../billing/month.ts';
import { charge, discountedAmount, type Discounts, type ListPrice } from '../billing/price.ts';
import { storedTiers } from '../billing/terms.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';

export type Change =
  | { readonly kind: 'price'; readonly model: string; readonly listPrice: ListPrice }
  | { readonly kind: 'contract'; readonly accountId: string; readonly contract: Discounts };

interface UsageRow {
  readonly account_id: string;
  readonly account_name: string;
  readonly day: number;
  readonly cap_group_id: string;
  readonly model: string;
  readonly requests: number;
  readonly duration_ms: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly list_nano_usd: bigint;
  readonly cost_nano_usd: bigint;
}

interface Sums {
  requests: number;
  listBefore: NanoUsd;
  listAfter: NanoUsd;
  costBefore: NanoUsd;
  costAfter: NanoUsd;
}

export async function changePreview(db: Db, change: Change, now: number) {
  const month = monthOf(Date.parse(`${monthOf(now)}-01`) - 1);
  const rows = await usageOf(db, change, month);
  const terms = await termsOf(db, rows);
  const total = nothing();
  const byAccount = new Map<string, Sums & { readonly name: string }>();
  const accountSpend = new Map<string, NanoUsd>();
  const keySpend = new Map<string, NanoUsd>();
  for (const row of rows) {
    const account = byAccount.get(row.account_id) ?? { ...nothing(), name: row.account_name };
    byAccount.set(row.account_id, account);
    const list =
      change.kind === 'price' && row.model === change.model ? newList(row, change.listPrice) : row.list_nano_usd;
    const own = terms.ofKey(row);
    const discounts = change.kind === 'contract' ? change.contract : terms.ofAccount(row);
    const spendOfAccount = accountSpend.get(row.account_id) ?? 0n;
    const spendOfKey = keySpend.get(row.cap_group_id) ?? 0n;
    const cost =
      own.length > 0
        ? discountedAmount(list, { discountBps: discounts.discountBps, tiers: own }, spendOfKey)
        : discountedAmount(list, discounts, spendOfAccount);
    accountSpend.set(row.account_id, spendOfAccount + list);
    keySpend.set(row.cap_group_id, spendOfKey + list);
    for (const sums of [account, total]) add(sums, row, list, cost);
  }
  return {
    month,
    requests: total.requests,
    list_usd_before: formatUsd(total.listBefore),
    list_usd_after: formatUsd(total.listAfter),
    cost_usd_before: formatUsd(total.costBefore),
    cost_usd_after: formatUsd(total.costAfter),
    accounts: [...byAccount]
      .toSorted(([, one], [, other]) => (one.costBefore < other.costBefore ? 1 : -1))
      .slice(0, ACCOUNTS_MAX)
      .map(([accountId, sums]) => ({
        account_id: accountId,
        name: sums.name,
        cost_usd_before: formatUsd(sums.costBefore),
        cost_usd_after: formatUsd(sums.costAfter),
      })),
  };
}

const ACCOUNTS_MAX = 100;

/** Of the accounts that the change concerns, all that they used: tiers count every model. */
async function usageOf(db: Db, change: Change, month: string): Promise<UsageRow[]> {
  const { first, end } = daysOfMonth(month);
  const range = sql`day >= ${first} and day < ${end}`;
  const whose =
    change.kind === 'contract'
      ? sql`usage_day.account_id = ${change.accountId}`
      : sql`usage_day.account_id in (select account_id from account_day where ${range} and model = ${change.model})`;
  const { rows } = await sql<UsageRow>`
    select usage_day.account_id, account.name as account_name, day, cap_group_id, model,
      cast(sum(requests) as bigint) as requests, cast(sum(duration_ms) as bigint) as duration_ms,
      cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(output_tokens) as bigint) as output_tokens,
      sum(list_nano_usd) as list_nano_usd, sum(cost_nano_usd) as cost_nano_usd
    from usage_day join api_key on api_key.key_id = usage_day.key_id
      join account on account.account_id = usage_day.account_id
    where ${range} and ${whose}
    group by 1, 2, 3, 4, 5 order by 3, 1, 4, 5`.execute(db);
  return rows;
}

/** The contracts and the keys' own tiers as they held at the end of each day. */
async function termsOf(db: Db, rows: readonly UsageRow[]) {
  const accounts = [...new Set(rows.map((row) => row.account_id))];
  const contracts =
    accounts.length === 0
      ? []
      : await db.selectFrom('contract').selectAll().where('account_id', 'in', accounts).orderBy('version').execute();
  const keyTerms = await db.selectFrom('key_terms').selectAll().orderBy('version').execute();
  const byAccount = grouped(contracts, (row) => row.account_id);
  const byGroup = grouped(keyTerms, (row) => row.cap_group_id);
  const holds = (row: UsageRow) => (version: { readonly valid_from: number }) =>
    version.valid_from < (row.day + 1) * DAY_MS;
  return {
    ofAccount(row: UsageRow): Discounts {
      const contract = byAccount.get(row.account_id)?.findLast(holds(row));
      return { discountBps: contract?.discount_bps ?? 0, tiers: storedTiers(contract?.tiers ?? null) };
    },
    ofKey: (row: UsageRow) => storedTiers(byGroup.get(row.cap_group_id)?.findLast(holds(row))?.tiers ?? null),
  };
}

function grouped<Row>(rows: readonly Row[], groupOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(groupOf(row), [...(groups.get(groupOf(row)) ?? []), row]);
  return groups;
}

function newList(row: UsageRow, listPrice: ListPrice): NanoUsd {
  const usage = {
    durationMs: row.duration_ms,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    estimated: false,
  };
  return charge(usage, listPrice, { discountBps: 0, tiers: [] }, 0n).listNanoUsd;
}

function nothing(): Sums {
  return { requests: 0, listBefore: 0n, listAfter: 0n, costBefore: 0n, costAfter: 0n };
}

function add(sums: Sums, row: UsageRow, listAfter: NanoUsd, costAfter: NanoUsd): void {
  sums.requests += row.requests;
  sums.listBefore += row.list_nano_usd;
  sums.listAfter += listAfter;
  sums.costBefore += row.cost_nano_usd;
  sums.costAfter += costAfter;
}
