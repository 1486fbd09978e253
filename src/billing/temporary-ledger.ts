/** For tests: a ledger on a database of its own, with an account, keys, a price, and a clock that the test moves. */
import { newId } from '../core/ids.ts';
import { silentLogger, type Logger } from '../core/log.ts';
import type { Usage } from '../core/transcript.ts';
import type { Store } from '../store/store.ts';
import { openTemporaryStore, type DatabaseName } from '../store/temporary-store.ts';
import { createLeases } from './leases.ts';
import { createLedger } from './ledger.ts';
import { createPriceBook } from './price-book.ts';
import type { Metered } from './request-log.ts';
import type { PricedCall } from './terms.ts';

export const MODEL = 'glm/glm-asr-2512';
export const ACCOUNT_ID = 'acc_1';
export const INSTANCE_ID = 'server_1';
export const START = Date.UTC(2026, 6, 31, 12);

/** A suite of the ledger runs on each database: see `store/temporary-store.ts`. */
export async function openTemporaryLedger(database: DatabaseName, log: Logger = silentLogger) {
  let now = START;
  const clock = { now: () => now };
  const store = await openTemporaryStore({ database, clock });
  await createPriceBook({ store, clock }).ensure([
    { model: MODEL, listPrice: { per: 'tokens', inputPer1mNanoUsd: 30_000_000n, outputPer1mNanoUsd: 30_000_000n } },
  ]);
  await store.db.insertInto('account').values({ account_id: ACCOUNT_ID, name: 'Acme', created_at: now }).execute();
  await createLeases({ store, clock, instanceId: INSTANCE_ID, log }).take();
  return {
    store,
    db: store.db,
    clock,
    pass: (ms: number) => void (now += ms),
    ledger: createLedger({ store, clock, instanceId: INSTANCE_ID, log }),
    newKey: (capNanoUsd: bigint | null) => insertKey(store, now, capNanoUsd),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

export type TemporaryLedger = Awaited<ReturnType<typeof openTemporaryLedger>>;

/** @param capGroupId of a key that this one succeeds; without it the key has a cap of its own. */
export async function insertKey(
  store: Store,
  now: number,
  capNanoUsd: bigint | null,
  capGroupId: string | null = null,
  accountId: string = ACCOUNT_ID,
): Promise<{ keyId: string; capGroupId: string }> {
  const key = { keyId: newId('key'), capGroupId: capGroupId ?? newId('cap') };
  if (capGroupId === null) {
    await store.db.insertInto('cap_group').values({ cap_group_id: key.capGroupId, cap_nano_usd: capNanoUsd }).execute();
  }
  await store.db
    .insertInto('api_key')
    .values({
      key_id: key.keyId,
      account_id: accountId,
      cap_group_id: key.capGroupId,
      kind: 'wholesale',
      name: 'main',
      secret_digest: '',
      last_four: '',
      requests_per_minute: null,
      concurrency: null,
      created_at: now,
      expires_at: null,
      retires_at: null,
      revoked_at: null,
    })
    .execute();
  return key;
}

export function callOf(keyId: string, requestId: string = newId('req'), startedAt: number = START): PricedCall {
  return {
    requestId,
    accountId: ACCOUNT_ID,
    keyId,
    model: MODEL,
    clientRequestId: null,
    userId: null,
    startedAt,
  };
}

const ONE_SECOND: Usage = { durationMs: 1000, inputTokens: 1334, outputTokens: 4, estimated: true };

/** What a call used, at a list price and so at a cost of the test's choice. */
export function meteredAt(costNanoUsd: bigint): Metered {
  return {
    engine: 'embedded',
    engines: ['embedded'],
    warnings: [],
    usage: ONE_SECOND,
    terms: {
      price: { version: 1, listPrice: { per: 'second', perSecondNanoUsd: costNanoUsd } },
      contractVersion: null,
      keyTermsVersion: null,
      discountBps: 0,
      tiers: [],
      tiersCount: null,
    },
  };
}
