/** For tests: a ledger on a database of its own, with an account, keys, a price, and a clock that the test moves. */
import { newId } from '../core/ids.ts';
import { silentLogger, type Logger } from '../core/log.ts';
import type { Usage } from '../core/transcript.ts';
import type { Store } from '../store/store.ts';
import { openTemporaryStore } from '../store/temporary-store.ts';
import { createLeases } from './leases.ts';
import { createLedger } from './ledger.ts';
import type { HoldRequest } from './ledger-rows.ts';
import { createPriceBook } from './price-book.ts';
import type { Metered } from './request-log.ts';

export const MODEL = 'glm/glm-asr-2512';
export const ACCOUNT_ID = 'acc_1';
export const INSTANCE_ID = 'server_1';
export const START = Date.UTC(2026, 6, 31, 12);

export async function openTemporaryLedger(log: Logger = silentLogger) {
  let now = START;
  const clock = { now: () => now };
  const store = await openTemporaryStore({ clock });
  await createPriceBook({ db: store.db, clock }).ensure([
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
): Promise<{ keyId: string; capGroupId: string }> {
  const key = { keyId: newId('key'), capGroupId: capGroupId ?? newId('cap') };
  if (capGroupId === null) {
    await store.db.insertInto('cap_group').values({ cap_group_id: key.capGroupId, cap_nano_usd: capNanoUsd }).execute();
  }
  await store.db
    .insertInto('api_key')
    .values({
      key_id: key.keyId,
      account_id: ACCOUNT_ID,
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

export function callOf(keyId: string, requestId: string = newId('req')): HoldRequest {
  return {
    requestId,
    accountId: ACCOUNT_ID,
    keyId,
    model: MODEL,
    clientRequestId: null,
    userId: null,
    startedAt: START,
  };
}

const ONE_SECOND: Usage = { durationMs: 1000, inputTokens: 1334, outputTokens: 4, estimated: true };

/** What a call used, at a cost of the test's choice. */
export function meteredAt(costNanoUsd: bigint): Metered {
  return {
    engine: 'embedded',
    engines: ['embedded'],
    usage: ONE_SECOND,
    charge: { lines: [], listNanoUsd: costNanoUsd, costNanoUsd },
    priceVersion: 1,
  };
}
