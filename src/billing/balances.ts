/** Balances of prepaid accounts: every change by the operator is a row of the ledger, never a setting. */
import type { Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { NANO_USD_MAX, type NanoUsd } from '../core/money.ts';
import { newId } from '../core/ids.ts';
import type { Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** A balance as it stands: credits less charges. */
export interface Balance {
  /** Whether it limits the account's calls. */
  readonly prepaid: boolean;
  readonly balanceNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
}

export interface Balances {
  /**
   * Raises the balance; `note` says why. Whether it limits calls stays as it is, unless the same step makes the account
   * prepaid. `not_found` for an unknown account.
   */
  credit(accountId: string, amountNanoUsd: NanoUsd, note: string, makePrepaid?: boolean): Promise<Balance>;
  /** Lowers the balance, as a payment that was taken back does. `not_found` for an unknown account. */
  debit(accountId: string, amountNanoUsd: NanoUsd, note: string): Promise<Balance>;
  /**
   * Makes the account prepaid, with a credit or a debit that brings its balance to the amount; null ends that.
   * It counts from the next hold on. `not_found` for an unknown account.
   */
  setPrepaid(accountId: string, balanceNanoUsd: NanoUsd | null): Promise<Balance>;
}

/** The operator's ledger account that credits come from and debits go to. */
const PAYMENTS = 'payments';

export interface BalancesOptions {
  readonly store: Pick<Store, 'transaction'>;
  readonly clock: Clock;
}

export function createBalances({ store, clock }: BalancesOptions): Balances {
  const move = (accountId: string, differenceNanoUsd: NanoUsd, note: string, makePrepaid: boolean): Promise<Balance> =>
    store.transaction(async (transaction) => {
      const before = await lockBalance(transaction, accountId);
      const after = {
        ...before,
        prepaid: before.prepaid || makePrepaid,
        balanceNanoUsd: before.balanceNanoUsd + differenceNanoUsd,
      };
      return change(transaction, clock, accountId, before, after, note);
    });
  return {
    credit: (accountId, amountNanoUsd, note, makePrepaid = false) => move(accountId, amountNanoUsd, note, makePrepaid),
    debit: (accountId, amountNanoUsd, note) => move(accountId, -amountNanoUsd, note, false),
    setPrepaid: (accountId, balanceNanoUsd) =>
      store.transaction(async (transaction) => {
        const before = await lockBalance(transaction, accountId);
        const after = {
          ...before,
          prepaid: balanceNanoUsd !== null,
          balanceNanoUsd: balanceNanoUsd ?? before.balanceNanoUsd,
        };
        return change(transaction, clock, accountId, before, after, 'The balance was set.');
      }),
  };
}

async function change(
  transaction: Transaction<Schema>,
  clock: Clock,
  accountId: string,
  before: Balance,
  after: Balance,
  note: string,
): Promise<Balance> {
  const difference = after.balanceNanoUsd - before.balanceNanoUsd;
  if (after.balanceNanoUsd > NANO_USD_MAX || after.balanceNanoUsd < -NANO_USD_MAX)
    throw new AppError('invalid_parameter', { message: 'The balance would be too large.' });
  await transaction
    .updateTable('account_balance')
    .set({ prepaid: after.prepaid ? 1 : 0, balance_nano_usd: after.balanceNanoUsd })
    .where('account_id', '=', accountId)
    .execute();
  if (difference !== 0n) {
    const account = `account:${accountId}`;
    await transaction
      .insertInto('transfer')
      .values({
        transfer_id: newId('tra'),
        kind: difference > 0n ? 'credit' : 'debit',
        debit_account: difference > 0n ? PAYMENTS : account,
        credit_account: difference > 0n ? account : PAYMENTS,
        amount_nano_usd: difference > 0n ? difference : -difference,
        note,
        created_at: clock.now(),
      })
      .execute();
  }
  return after;
}

/** Writes the row before it is read, so that no hold or charge changes it meanwhile; makes the row where it is missing. */
async function lockBalance(transaction: Transaction<Schema>, accountId: string): Promise<Balance> {
  const account = await transaction
    .selectFrom('account')
    .select('account_id')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (account === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
  const row = await transaction
    .insertInto('account_balance')
    .values({ account_id: accountId, prepaid: 0, balance_nano_usd: 0n, held_nano_usd: 0n })
    .onConflict((conflict) =>
      conflict.column('account_id').doUpdateSet((columns) => ({ prepaid: columns.ref('account_balance.prepaid') })),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return { prepaid: row.prepaid === 1, balanceNanoUsd: row.balance_nano_usd, heldNanoUsd: row.held_nano_usd };
}
