/** Everything that lies in the database: who may call, and what it cost. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createAccounts } from '../access/accounts.ts';
import { createAdmission } from '../access/admit.ts';
import { createSharedAdmission } from '../access/shared-admission.ts';
import { createAuthenticate, createFindCaller, type KeyRow } from '../access/authenticate.ts';
import { createKeyCache } from '../access/key-cache.ts';
import { createKeys } from '../access/keys.ts';
import { createBalances } from '../billing/balances.ts';
import { explainCharge } from '../billing/explain.ts';
import { createIdempotency } from '../billing/idempotency.ts';
import { keyStatus } from '../billing/key-status.ts';
import { createLeases } from '../billing/leases.ts';
import { createLedger } from '../billing/ledger.ts';
import { createPriceBook } from '../billing/price-book.ts';
import { quoteOf } from '../billing/quote.ts';
import { createRequestContent, type CallContent, type RequestContent } from '../billing/request-content.ts';
import { recordTimes, recordUncharged, type Call, type CallTimes, type Uncharged } from '../billing/request-log.ts';
import { statement } from '../billing/statement.ts';
import { createPricing } from '../billing/terms.ts';
import type { UsageQuery } from '../billing/usage-query.ts';
import { usageReport } from '../billing/usage.ts';
import { verifyLedger } from '../billing/verify.ts';
import { keyPepper } from '../config/first-run.ts';
import type { Config } from '../config/load.ts';
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { createDeliveries } from '../jobs/deliveries.ts';
import { createJobClaims } from '../jobs/job-claims.ts';
import { createJobStore } from '../jobs/job-store.ts';
import { createWebhookSecrets } from '../jobs/webhook-secrets.ts';
import { readNothing, writeNothing } from '../store/reach.ts';
import { openStore, type Store } from '../store/store.ts';
import { openPeople } from './people.ts';

const SQLITE = 'sqlite:';

export type Books = Awaited<ReturnType<typeof openBooks>>;

/** @param role a `server` makes holds; a `command` works beside it. */
export async function openBooks(config: Config, role: 'server' | 'command', clock: Clock, log: Logger) {
  const { databaseUrl } = config;
  if (databaseUrl.startsWith(SQLITE)) {
    mkdirSync(dirname(databaseUrl.slice(SQLITE.length)), { recursive: true, mode: 0o700 });
  }
  const pepper = config.keyPepper ?? keyPepper(config.dataDirectory);
  const store = await openStore({ url: databaseUrl, role, clock });
  const { db } = store;
  const keyCache = role === 'server' && store.listen !== null ? createKeyCache<KeyRow>(store.listen, clock) : null;
  const instanceId = `ins_${randomUUID()}`;
  const pricing = createPricing({ db });
  const { limits } = config;
  const defaults = { requestsPerMinute: limits.requests_per_minute, concurrency: limits.concurrency };
  const resultMs = limits.job_result_hours * 3_600_000;
  const content = createRequestContent({ db, clock, kept: config.keep });
  return {
    accounts: createAccounts({ store, clock }),
    balances: createBalances({ store, clock }),
    keys: createKeys({ store, clock, pepper }),
    authenticate: createAuthenticate({ db, cache: keyCache, clock, pepper, defaults }),
    findCaller: createFindCaller({ db, clock, defaults }),
    admission: databaseUrl.startsWith(SQLITE)
      ? createAdmission({ clock })
      : createSharedAdmission({ store, clock, instanceId, log }),
    priceBook: createPriceBook({ store, clock }),
    pricing,
    quote: (caller: Caller, model: { readonly id: string; readonly audioTokensPerMinute: number }) =>
      quoteOf({ db, pricing }, caller, model, clock.now()),
    ledger: createLedger({ store, clock, instanceId, log }),
    idempotency: createIdempotency({ store, clock, instanceId, log }),
    leases: createLeases({ store, clock, instanceId, log }),
    jobs: createJobStore({
      store,
      clock,
      limits: { waitingMax: limits.account_jobs, waitingBytesMax: limits.account_job_bytes, resultMs },
    }),
    jobClaims: createJobClaims({ store, clock, instanceId, resultMs }),
    deliveries: createDeliveries({ store, clock, instanceId }),
    webhookSecrets: createWebhookSecrets({ store, clock, pepper }),
    ...openPeople({ store, clock, pepper, pricing, instanceId }),
    keyDefaults: defaults,
    keyStatus: (caller: Caller) => keyStatus(db, clock, caller),
    usageReport: (query: UsageQuery) => usageReport(db, query, clock.now()),
    statement: (accountId: string, month: string) => statement(db, accountId, month),
    explainCharge: (requestId: string) => explainCharge(db, requestId),
    verifyLedger: () => verifyLedger(db),
    ...callRecords(store, content, log),
    forgetExpiredContent: () => content.forgetExpired(),
    /** Whether the database answers, to reads and to writes. */
    reachable: (): Promise<boolean> =>
      Promise.all([readNothing(db), writeNothing(db)]).then(
        () => true,
        () => false,
      ),
    /** Whether no other server can be on this database. */
    isAlone: store.soleServer,
    /** Where the database is, without its password. */
    database: store.description,
    async [Symbol.asyncDispose]() {
      await keyCache?.[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

/** A row that cannot be written must not replace the answer that the caller is owed. */
function callRecords(store: Store, content: RequestContent, log: Logger) {
  return {
    recordUncharged: (call: Call, end: Uncharged, times: CallTimes): Promise<void> =>
      recordUncharged(store, call, end, times).catch((error: unknown) =>
        log.error({ request_id: call.requestId, cause: String(error) }, 'request-row-failed'),
      ),
    recordTimes: (call: Call, times: CallTimes): Promise<void> =>
      recordTimes(store.db, call, times).catch((error: unknown) =>
        log.warn({ request_id: call.requestId, cause: String(error) }, 'request-times-failed'),
      ),
    keepContent: (call: Call, about: Partial<CallContent>): Promise<void> =>
      content
        .keep(call, about)
        .catch((error: unknown) =>
          log.warn({ request_id: call.requestId, cause: String(error) }, 'request-content-failed'),
        ),
  };
}
