/** Recounts the ledger from its append-only rows and compares: nothing is trusted, nothing is repaired. */
import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../store/store.ts';
import { DAY_MS } from './month.ts';
import { COUNTED_MODEL } from './usage.ts';

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

/** The totals of one side of the comparison: of the calls (1) or of what is kept by the day (0). Both are grouped in one pass. */
function totals(calls: 0 | 1): RawBuilder<unknown> {
  const sum = (column: string) => sql`sum(case when calls = ${sql.lit(calls)} then ${sql.ref(column)} else 0 end)`;
  return sql`${sum('requests')} || ' requests, ' || ${sum('errors')} || ' errors, ' || ${sum('duration_ms')} || ' ms, '
    || ${sum('input_tokens')} || ' + ' || ${sum('output_tokens')} || ' tokens, ' || ${sum('list_nano_usd')} || ' list, '
    || ${sum('cost_nano_usd')} || ' cost'`;
}

const CHECKS: Record<string, RawBuilder<Finding>> = {
  'the cached balance of a cap group and month is the sum of its rows': sql<Finding>`
    with recounted as (
      select hold.cap_group_id, hold.month,
        sum(coalesce(transfer.amount_nano_usd, 0)) as settled,
        sum(case when transfer.hold_id is null then hold.amount_nano_usd else 0 end) as held,
        sum(case when transfer.kind = 'settle' then coalesce(request.list_nano_usd, 0) else 0 end) as list
      from hold left join transfer on transfer.hold_id = hold.hold_id
        left join request on request.request_id = hold.request_id
      group by hold.cap_group_id, hold.month
    ), compared as (
      select coalesce(cap_balance.cap_group_id, recounted.cap_group_id) || ' ' || coalesce(cap_balance.month, recounted.month) as id,
        coalesce(recounted.settled, 0) || ' settled, ' || coalesce(recounted.held, 0) || ' held, '
          || coalesce(recounted.list, 0) || ' list' as expected,
        coalesce(cap_balance.settled_nano_usd, 0) || ' settled, ' || coalesce(cap_balance.held_nano_usd, 0) || ' held, '
          || coalesce(cap_balance.list_nano_usd, 0) || ' list' as found
      from recounted full join cap_balance
        on cap_balance.cap_group_id = recounted.cap_group_id and cap_balance.month = recounted.month
    )
    select id, expected, found from compared where expected <> found limit ${DIFFERENCES_MAX}`,

  'the cached balance of an account is the sum of its rows': sql<Finding>`
    with moved as (
      select credit_account as holder, amount_nano_usd as amount from transfer
      union all select debit_account, -amount_nano_usd from transfer
    ), summed as (
      select holder, sum(amount) as balance from moved group by holder
    ), open as (
      select hold.account_id, sum(hold.amount_nano_usd) as held
      from open_hold join hold on hold.hold_id = open_hold.hold_id group by hold.account_id
    ), compared as (
      select account.account_id as id,
        coalesce(summed.balance, 0) || ' balance, ' || coalesce(open.held, 0) || ' held' as expected,
        coalesce(account_balance.balance_nano_usd, 0) || ' balance, ' || coalesce(account_balance.held_nano_usd, 0)
          || ' held' as found
      from account left join summed on summed.holder = 'account:' || account.account_id
        left join open on open.account_id = account.account_id
        left join account_balance on account_balance.account_id = account.account_id
    )
    select id, expected, found from compared where expected <> found limit ${DIFFERENCES_MAX}`,

  'the totals of a day are those of its calls': sql<Finding>`
    with counted as (
      select account_id, started_at / ${sql.lit(DAY_MS)} as day, key_id, ${COUNTED_MODEL} as model, 1 as calls, 1 as requests,
        case when status >= 400 then 1 else 0 end as errors, duration_ms, input_tokens, output_tokens, list_nano_usd, cost_nano_usd
      from request
      union all select account_id, day, key_id, model, 0, requests, errors, duration_ms, input_tokens, output_tokens,
        list_nano_usd, cost_nano_usd from usage_day
    ), compared as (
      select account_id || ' ' || day || ' ' || key_id || ' ' || model as id, ${totals(1)} as expected, ${totals(0)} as found
      from counted group by account_id, day, key_id, model
    )
    select id, expected, found from compared where expected <> found limit ${DIFFERENCES_MAX}`,

  'the totals of a day are those of its keys': sql<Finding>`
    with counted as (
      select account_id, day, model, 1 as calls, requests, errors, duration_ms, input_tokens, output_tokens, list_nano_usd,
        cost_nano_usd from usage_day
      union all select account_id, day, model, 0, requests, errors, duration_ms, input_tokens, output_tokens, list_nano_usd,
        cost_nano_usd from account_day
    ), compared as (
      select account_id || ' ' || day || ' ' || model as id, ${totals(1)} as expected, ${totals(0)} as found
      from counted group by account_id, day, model
    )
    select id, expected, found from compared where expected <> found limit ${DIFFERENCES_MAX}`,

  'the totals of a key and month are those of its days': sql<Finding>`
    with days as (
      select account_id, key_id, model, sum(requests) as requests, sum(errors) as errors,
        sum(duration_ms) as duration_ms, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
        sum(list_nano_usd) as list_nano_usd, sum(cost_nano_usd) as cost_nano_usd
      from usage_day group by account_id, key_id, model
    ), counted as (
      select account_id, key_id, model, 1 as calls, requests, errors, duration_ms, input_tokens, output_tokens,
        list_nano_usd, cost_nano_usd from days
      union all select account_id, key_id, model, 0, requests, errors, duration_ms, input_tokens, output_tokens,
        list_nano_usd, cost_nano_usd from key_month
    ), compared as (
      select account_id || ' ' || key_id || ' ' || model as id, ${totals(1)} as expected, ${totals(0)} as found
      from counted group by account_id, key_id, model
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
    with sides as (
      select hold.request_id, 1 as settled, transfer.amount_nano_usd as amount, 0 as answered, 0 as cost
      from transfer join hold on hold.hold_id = transfer.hold_id where transfer.kind = 'settle'
      union all select request_id, 0, 0, 1, cost_nano_usd from request where price_version is not null
    )
    select request_id as id, sum(settled) || ' of ' || sum(amount) as expected,
      case when sum(answered) = 0 then 'no answer' else sum(answered) || ' of ' || sum(cost) end as found
    from sides group by request_id having sum(settled) <> sum(answered) or sum(amount) <> sum(cost)
    limit ${DIFFERENCES_MAX}`,
};
