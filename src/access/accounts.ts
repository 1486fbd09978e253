/** Accounts: the customers that keys belong to. */
import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import type { Db } from '../store/store.ts';

export interface Account {
  readonly accountId: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

export interface Accounts {
  create(name: string): Promise<Account>;
  /** The oldest first. */
  list(): Promise<Account[]>;
}

export function createAccounts({ db, clock }: { db: Db; clock: Clock }): Accounts {
  return {
    async create(name) {
      const account = { accountId: newId('acc'), name, createdAt: clock.now() };
      await db
        .insertInto('account')
        .values({ account_id: account.accountId, name, created_at: account.createdAt })
        .execute();
      return account;
    },
    async list() {
      const rows = await db.selectFrom('account').selectAll().orderBy('created_at').orderBy('account_id').execute();
      return rows.map((row) => ({ accountId: row.account_id, name: row.name, createdAt: row.created_at }));
    },
  };
}
