import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { systemClock } from '../core/clock.ts';
import { MIGRATIONS } from '../store/migrations/index.ts';
import { openStore, type Db } from '../store/store.ts';
import { temporaryDatabase } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { verifyLedger } from './verify.ts';

/** A settled call, a voided one and one that runs, as the first version of the program wrote them. */
async function writeFirstVersion(db: Db): Promise<void> {
  for (const statement of [
    sql`insert into account values ('acc_1', 'one', 0)`,
    sql`insert into cap_group values ('cap_1', 100)`,
    sql`insert into api_key values ('key_1', 'acc_1', 'cap_1', 'wholesale', '', '', '', null, null, 0, null, null, null)`,
    sql`insert into price values ('m', 1, 0, null, null, 5)`,
    sql`insert into instance values ('ins_1', 0)`,
    ...['settled', 'voided', 'open'].map(
      (name) =>
        sql`insert into hold values (${name}, ${`req_${name}`}, 'acc_1', 'key_1', 'cap_1', '2026-07', 'm', 10, 0)`,
    ),
    sql`insert into open_hold values ('open', 'ins_1')`,
    sql`insert into transfer values ('tra_1', 'settle', 'settled', 10, 'account:acc_1', 'revenue', 7, null, 0)`,
    sql`insert into transfer values ('tra_2', 'void', 'voided', 10, 'account:acc_1', 'revenue', 0, 'test', 0)`,
    sql`insert into cap_balance values ('cap_1', '2026-07', 7, 10)`,
    sql`insert into request values ('req_settled', 'acc_1', 'key_1', 'm', 'e', '["e"]', 200, null, null, null, 0, 1400, 1, 1, 0, 7, 7, 1)`,
    sql`insert into request values ('req_voided', 'acc_1', 'key_1', 'm', null, '[]', 502, 'engine_failed', null, null, 0, 0, 0, 0, 0, 0, 0, null)`,
  ]) {
    await statement.execute(db);
  }
}

testOnEach('a ledger that the first version wrote balances in this one', async (database) => {
  await using empty = await temporaryDatabase(database);
  const options = { url: empty.url, role: 'command', clock: systemClock } as const;
  {
    await using first = await openStore({ ...options, migrations: MIGRATIONS.slice(0, 1) });
    await writeFirstVersion(first.db);
  }
  await using store = await openStore(options);
  assert.deepEqual(await verifyLedger(store.db), { balanced: true, transactions: 5, open_holds: 1, differences: [] });
});
