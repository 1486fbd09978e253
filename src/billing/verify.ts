/** Recounts the ledger from its append-only rows and compares: nothing is trusted, nothing is repaired. */
import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../store/store.ts';

export interface Difference {
  readonly check: string;
  /** The row at fault. */
  readonly id: string;
  readonly expected: string;
  readonly found: string;
}

export interface Verification {
  readonly balanced: boolean;
  /** Holds, settlements and voids. */
  readonly transactions: number;
  readonly open_holds: number;
  readonly differences: readonly Difference[];
}

const DIFFERENCES_MAX = 1_000;

/**
 * Every check is one statement, which sees one state of the database, so a running server may write meanwhile. That a
 * transaction balances needs no check: a row of `transfer` takes and gives the same amount.
 */
export async function verifyLedger(db: Db): Promise<Verification> {
  const differences: Difference[] = [];
  for (const [check, statement] of Object.entries(CHECKS)) {
    const { rows } = await statement.execute(db);
    differences.push(...rows.map((row) => ({ check, ...row })));
  }
  const { rows } = await sql<{ transactions: number; open_holds: number }>`select
    (select count(*) from hold) + (select count(*) from transfer) as transactions,
    (select count(*) from open_hold) as open_holds`.execute(db);
  const { transactions = 0, open_holds = 0 } = rows[0] ?? {};
  return { balanced: differences.length === 0, transactions, open_holds, differences };
}

type Finding = Omit<Difference, 'check'>;

const CHECKS: Record<string, RawBuilder<Finding>> = {
  'the cached balance of a cap group and month is the sum of its rows': sql<Finding>`
    with recounted as (
      select hold.cap_group_id, hold.month,
        sum(coalesce(transfer.amount_nano_usd, 0)) as settled,
        sum(case when transfer.hold_id is null then hold.amount_nano_usd else 0 end) as held
      from hold left join transfer on transfer.hold_id = hold.hold_id
      group by hold.cap_group_id, hold.month
    ), compared as (
      select coalesce(cap_balance.cap_group_id, recounted.cap_group_id) || ' ' || coalesce(cap_balance.month, recounted.month) as id,
        coalesce(recounted.settled, 0) || ' settled, ' || coalesce(recounted.held, 0) || ' held' as expected,
        coalesce(cap_balance.settled_nano_usd, 0) || ' settled, ' || coalesce(cap_balance.held_nano_usd, 0) || ' held' as found
      from recounted full join cap_balance
        on cap_balance.cap_group_id = recounted.cap_group_id and cap_balance.month = recounted.month
    )
    select id, expected, found from compared where expected <> found limit ${DIFFERENCES_MAX}`,

  'a hold is open until one transfer ends it': sql<Finding>`
    select hold.hold_id as id,
      case when transfer.hold_id is null then 'open' else 'ended' end as expected,
      case when open_hold.hold_id is null then 'ended' else 'open' end as found
    from hold left join transfer on transfer.hold_id = hold.hold_id left join open_hold on open_hold.hold_id = hold.hold_id
    where (transfer.hold_id is null) <> (open_hold.hold_id is not null) limit ${DIFFERENCES_MAX}`,

  'a transfer stays within its hold and is paid by the account of the hold': sql<Finding>`
    select transfer.transfer_id as id,
      'at most ' || coalesce(hold.amount_nano_usd, 0) || ' from account:' || coalesce(hold.account_id, '') as expected,
      transfer.amount_nano_usd || ' from ' || transfer.debit_account as found
    from transfer left join hold on hold.hold_id = transfer.hold_id
    where transfer.hold_id is not null and (hold.hold_id is null or transfer.amount_nano_usd > hold.amount_nano_usd
      or transfer.held_nano_usd <> hold.amount_nano_usd or transfer.debit_account <> 'account:' || hold.account_id)
    limit ${DIFFERENCES_MAX}`,

  'a settlement is the cost of its call, and no other call has a cost': sql<Finding>`
    with settled as (
      select hold.request_id, count(*) as times, sum(transfer.amount_nano_usd) as amount
      from transfer join hold on hold.hold_id = transfer.hold_id where transfer.kind = 'settle' group by hold.request_id
    ), answered as (
      select request_id, cost_nano_usd from request where price_version is not null
    ), compared as (
      select coalesce(settled.request_id, answered.request_id) as id,
        coalesce(settled.times, 0) || ' of ' || coalesce(settled.amount, 0) as expected,
        case when answered.request_id is null then 'no answer' else '1 of ' || answered.cost_nano_usd end as found
      from settled full join answered on answered.request_id = settled.request_id
    )
    select id, expected, found from compared where expected <> found limit ${DIFFERENCES_MAX}`,
};
