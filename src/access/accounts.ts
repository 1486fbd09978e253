/** Accounts: the customers that keys belong to, and what each has agreed on. */
import { sql, type Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { formatTiers, parseTiers, type Tier } from '../core/tiers.ts';
import type { Schema } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';

/** An account's discounts; every change of them is a new version. */
export interface Contract {
  /** In basis points, 0 to 10,000: below every tier. */
  readonly discountBps: number;
  /** They count the account's list spend in a calendar month (UTC). */
  readonly tiers: readonly Tier[];
}

export interface NewAccount extends Contract {
  readonly name: string;
}

export interface Account extends NewAccount {
  readonly accountId: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The version of the contract; null for an account that never had one. */
  readonly contractVersion: number | null;
  readonly prepaid: boolean;
  /** Credits less charges. */
  readonly balanceNanoUsd: bigint;
}

export interface Accounts {
  /** `invalid_parameter` where a tier gives less than the discount below it. */
  create(account: NewAccount): Promise<string>;
  /** Changes what is given; a change of the discounts counts for calls that begin after it. `not_found` for an unknown account. */
  set(accountId: string, changes: Partial<NewAccount>): Promise<void>;
  /**
   * Agrees on discounts from a date on, or from now on where that is null; gives the version.
   * `not_found` for an unknown account, `invalid_parameter` for a date that has passed.
   */
  agree(accountId: string, contract: Contract, validFrom: number | null): Promise<ContractVersion>;
  /** The oldest first. */
  list(): Promise<Account[]>;
}

export interface ContractVersion extends Contract {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
}

export interface AccountsOptions {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
}

const NO_CONTRACT: Contract = { discountBps: 0, tiers: [] };

export function createAccounts({ store, clock }: AccountsOptions): Accounts {
  return {
    create: ({ name, ...contract }) =>
      store.transaction(async (transaction) => {
        const accountId = newId('acc');
        const now = clock.now();
        await transaction.insertInto('account').values({ account_id: accountId, name, created_at: now }).execute();
        await transaction
          .insertInto('account_balance')
          .values({ account_id: accountId, prepaid: 0, balance_nano_usd: 0n, held_nano_usd: 0n })
          .execute();
        if (contract.discountBps > 0 || contract.tiers.length > 0)
          await addContract(transaction, accountId, 1, now, contract);
        return accountId;
      }),
    set: (accountId, { name, ...changes }) =>
      store.transaction(async (transaction) => {
        const account = await findAccount(transaction, accountId, clock.now());
        if (name !== undefined) {
          await transaction.updateTable('account').set({ name }).where('account_id', '=', accountId).execute();
        }
        if (changes.discountBps === undefined && changes.tiers === undefined) return;
        const contract = { discountBps: account.discountBps, tiers: account.tiers, ...changes };
        await addContract(transaction, accountId, await nextVersion(transaction, accountId), clock.now(), contract);
      }),
    agree: (accountId, contract, validFrom) =>
      store.transaction(async (transaction) => {
        const now = clock.now();
        if (validFrom !== null && validFrom < now) {
          throw new AppError('invalid_parameter', {
            param: 'valid_from',
            message: 'The date of a contract must not have passed: calls since then have been charged already.',
          });
        }
        await findAccount(transaction, accountId, now);
        const added = { ...contract, version: await nextVersion(transaction, accountId), validFrom: validFrom ?? now };
        await addContract(transaction, accountId, added.version, added.validFrom, contract);
        return added;
      }),
    list: () => listAccounts(store.db, clock.now()),
  };
}

async function addContract(
  transaction: Transaction<Schema>,
  accountId: string,
  version: number,
  validFrom: number,
  { discountBps, tiers }: Contract,
): Promise<void> {
  if (tiers.some((tier) => tier.discountBps < discountBps)) {
    throw new AppError('invalid_parameter', {
      message: 'A tier gives less than the discount below it; discounts never fall as spend rises.',
    });
  }
  await transaction
    .insertInto('contract')
    .values({
      account_id: accountId,
      version,
      valid_from: validFrom,
      discount_bps: discountBps,
      tiers: formatTiers(tiers),
    })
    .execute();
}

async function findAccount(db: Db, accountId: string, now: number): Promise<Account> {
  const account = (await listAccounts(db, now, accountId))[0];
  if (account === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
  return account;
}

async function nextVersion(db: Db, accountId: string): Promise<number> {
  const last = await db
    .selectFrom('contract')
    .select((select) => select.fn.max('version').as('version'))
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return (last?.version ?? 0) + 1;
}

/** With the contracts that hold now; one that begins later is not theirs yet. */
async function listAccounts(db: Db, now: number, accountId: string | null = null): Promise<Account[]> {
  const rows = await db
    .selectFrom('account')
    .leftJoin('contract', (join) =>
      join.onRef('contract.account_id', '=', 'account.account_id').on('contract.version', '=', (on) =>
        on
          .selectFrom('contract as latest')
          .select((select) => select.fn.max('latest.version').as('version'))
          .whereRef('latest.account_id', '=', 'account.account_id')
          .where('latest.valid_from', '<=', now),
      ),
    )
    .leftJoin('account_balance', 'account_balance.account_id', 'account.account_id')
    .select([
      'account.account_id',
      'account.name',
      'account.created_at',
      'contract.version',
      'contract.discount_bps',
      'contract.tiers',
      'account_balance.prepaid',
      'account_balance.balance_nano_usd',
    ])
    .where(accountId === null ? sql<boolean>`true` : sql<boolean>`account.account_id = ${accountId}`)
    .orderBy('account.created_at')
    .orderBy('account.account_id')
    .execute();
  return rows.map((row) => ({
    accountId: row.account_id,
    name: row.name,
    createdAt: row.created_at,
    contractVersion: row.version,
    discountBps: row.discount_bps ?? NO_CONTRACT.discountBps,
    tiers: row.tiers === null ? NO_CONTRACT.tiers : (parseTiers(row.tiers) ?? []),
    prepaid: row.prepaid === 1,
    balanceNanoUsd: row.balance_nano_usd ?? 0n,
  }));
}
