import { sql } from 'kysely';
import type { Db } from './store.ts';

/**
 * Waits for every hold and settlement of the account that is under way, and makes the later ones wait until the
 * transaction ends. Whoever changes what holds depend on takes this lock first: then each hold has either been made
 * before the change is acknowledged, or sees it.
 */
export async function lockAccount(db: Db, accountId: string): Promise<void> {
  await db
    .insertInto('account_balance')
    .values({ account_id: accountId, prepaid: 0, balance_nano_usd: 0n, held_nano_usd: 0n })
    .onConflict((conflict) =>
      conflict.column('account_id').doUpdateSet({ held_nano_usd: sql`account_balance.held_nano_usd` }),
    )
    .execute();
}
