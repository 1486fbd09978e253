/** For tests: jobs in a database of their own, with accounts, keys, processes that live and die, and a clock that the test moves. */
import { newId } from '../core/ids.ts';
import { openTemporaryStore, type DatabaseName } from '../store/temporary-store.ts';
import type { DeferredCall } from '../transcribe/transcribe.ts';
import { createDeliveries } from './deliveries.ts';
import { createJobClaims } from './job-claims.ts';
import { createJobStore, type JobLimits } from './job-store.ts';
import { createWebhookSecrets } from './webhook-secrets.ts';

export const START = Date.UTC(2026, 6, 1, 12);
export const RESULT_MS = 7 * 24 * 3_600_000;
const LEASE_MS = 30_000;

export async function openTemporaryJobs(database: DatabaseName, limits: Partial<JobLimits> = {}) {
  let now = START;
  const clock = { now: () => now };
  const store = await openTemporaryStore({ database, clock });
  const { db } = store;
  const all: JobLimits = { waitingMax: 1_000, waitingBytesMax: 2 ** 20, resultMs: RESULT_MS, ...limits };
  return {
    store,
    db,
    clock,
    pass: (ms: number) => void (now += ms),
    jobs: createJobStore({ store, clock, limits: all }),
    secrets: createWebhookSecrets({ store, clock, pepper: 'a pepper for tests' }),
    /** An account with a key. */
    async newAccount(): Promise<{ accountId: string; keyId: string }> {
      const [accountId, keyId, capGroupId] = [newId('acc'), newId('key'), newId('cap')];
      await db.insertInto('account').values({ account_id: accountId, name: '', created_at: now }).execute();
      await db.insertInto('cap_group').values({ cap_group_id: capGroupId, cap_nano_usd: null }).execute();
      const key = { key_id: keyId, account_id: accountId, cap_group_id: capGroupId, kind: 'wholesale' as const };
      const unused = { name: '', secret_digest: '', last_four: '', created_at: now };
      await db
        .insertInto('api_key')
        .values({ ...key, ...unused })
        .execute();
      return { accountId, keyId };
    },
    /** A process with a lease, and what it claims; `dies` ends the lease. */
    async newProcess() {
      const instanceId = newId('ins');
      await db
        .insertInto('instance')
        .values({ instance_id: instanceId, lease_until: now + LEASE_MS * 1_000 })
        .execute();
      return {
        instanceId,
        claims: createJobClaims({ store, clock, instanceId, resultMs: all.resultMs }),
        deliveries: createDeliveries({ store, clock, instanceId }),
        dies: () => db.updateTable('instance').set({ lease_until: 0 }).where('instance_id', '=', instanceId).execute(),
      };
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

export type TemporaryJobs = Awaited<ReturnType<typeof openTemporaryJobs>>;

export function deferredCall(
  { accountId, keyId }: { accountId: string; keyId: string },
  webhookUrl: string | null = null,
): DeferredCall {
  const model = 'glm/glm-asr-2512';
  const labels = { clientRequestId: null, userId: null };
  return {
    call: { requestId: newId('req'), accountId, keyId, model, startedAt: START, ...labels },
    request: {
      model,
      audio: { kind: 'url', url: 'https://example.com/a.wav' },
      hints: {},
      timestamps: false,
      warnings: [],
      idempotency: null,
      later: { webhookUrl },
      ...labels,
    },
    claim: null,
  };
}
