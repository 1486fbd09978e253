/** Everything that lies in the database: who may call, and what it cost. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createAccounts } from '../access/accounts.ts';
import { createAdmission } from '../access/admit.ts';
import { createAuthenticate } from '../access/authenticate.ts';
import { createKeys } from '../access/keys.ts';
import { keyStatus } from '../billing/key-status.ts';
import { createLeases } from '../billing/leases.ts';
import { createLedger } from '../billing/ledger.ts';
import { createPriceBook } from '../billing/price-book.ts';
import { recordRefusal, type Call, type Refusal } from '../billing/request-log.ts';
import { usageReport, type UsageQuery } from '../billing/usage.ts';
import { verifyLedger } from '../billing/verify.ts';
import { keyPepper } from '../config/first-run.ts';
import type { Config } from '../config/load.ts';
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { openStore } from '../store/store.ts';

export type Books = Awaited<ReturnType<typeof openBooks>>;

/** @param role a `server` makes holds; a `command` works beside it. */
export async function openBooks(config: Config, role: 'server' | 'command', clock: Clock, log: Logger) {
  mkdirSync(dirname(config.databasePath), { recursive: true, mode: 0o700 });
  const pepper = config.keyPepper ?? keyPepper(config.dataDirectory);
  const store = await openStore({ path: config.databasePath, role, clock });
  const { db } = store;
  const instanceId = `ins_${randomUUID()}`;
  const { requests_per_minute: requestsPerMinute, concurrency } = config.limits;
  return {
    accounts: createAccounts({ db, clock }),
    keys: createKeys({ store, clock, pepper }),
    authenticate: createAuthenticate({ db, clock, pepper, defaults: { requestsPerMinute, concurrency } }),
    admission: createAdmission({ clock }),
    priceBook: createPriceBook({ db, clock }),
    ledger: createLedger({ store, clock, instanceId, log }),
    leases: createLeases({ store, clock, instanceId, log }),
    keyStatus: (caller: Caller) => keyStatus(db, clock, caller),
    usageReport: (query: UsageQuery) => usageReport(db, query),
    verifyLedger: () => verifyLedger(db),
    /** A row that cannot be written must not replace the answer that the caller is owed. */
    recordRefusal: (call: Call, refusal: Refusal): Promise<void> =>
      recordRefusal(db, call, refusal).catch((error: unknown) =>
        log.error({ request_id: call.requestId, cause: String(error) }, 'request-row-failed'),
      ),
    /** Whether the database answers. */
    reachable: (): Promise<boolean> =>
      db
        .selectFrom('price')
        .select('version')
        .limit(1)
        .execute()
        .then(
          () => true,
          () => false,
        ),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
