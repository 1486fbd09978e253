/**
 * Idempotency keys: of the calls with one key, one claims it and runs; the others are told to wait, and get its very reply
 * once that is there. A claim ends with its call's failure, or with the lease of the process that works on it.
 */
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Db, Store } from '../store/store.ts';
import type { ReplyKeeper } from './ledger.ts';
import type { Call } from './request-log.ts';

/** The key that a caller sent, and a digest of the rest of its request. */
export interface IdempotencyKey {
  readonly key: string;
  readonly fingerprint: string;
}

/** The right to run, or the reply that is there already. Disposing it gives the key free, unless there is a reply. */
export interface Claim extends AsyncDisposable, ReplyKeeper {
  readonly requestId: string;
  /** Null for the one call that is to run. */
  readonly earlier: EarlierReply | null;
}

/** What the first call with this key was answered, byte for byte, and what else is told of that answer. */
export interface EarlierReply {
  readonly reply: string;
  readonly engine: string;
  /** The codes of its warnings. */
  readonly warnings: readonly string[];
}

export interface Idempotency {
  /**
   * Throws `idempotency_in_progress` while another call runs with this key, and `idempotency_key_reused` where that call
   * was for another request. A key is shared by an API key with its predecessors and successors.
   */
  claim(call: Call, sent: IdempotencyKey): Promise<Claim>;
  /** Removes what is older than a day, in steps of bounded size; gives how many. */
  forgetExpired(): Promise<number>;
}

export interface IdempotencyOptions {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Clock;
  /** The process that runs the calls; it has a lease while it lives. */
  readonly instanceId: string;
  readonly log: Logger;
}

const KEPT_MS = 24 * 3_600_000;
const FORGET_AT_ONCE_MAX = 500;

export function createIdempotency(options: IdempotencyOptions): Idempotency {
  const { store, clock } = options;
  return {
    async claim(call, sent) {
      if (await insertClaim(options, call, sent)) return openClaim(options, call.requestId, null);
      const found = await findClaim(store.db, call, sent.key);
      if (found !== undefined && found.fingerprint !== sent.fingerprint) throw new AppError('idempotency_key_reused');
      // One that ended between the two statements counts as still running: the next try will tell.
      if (found === undefined || found.reply === null) throw new AppError('idempotency_in_progress');
      const { reply, engine, warnings } = found;
      const codes = JSON.parse(warnings ?? '[]') as readonly string[];
      return openClaim(options, call.requestId, { reply, engine: engine ?? '', warnings: codes });
    },
    async forgetExpired() {
      for (let forgotten = 0; ;) {
        const expired = store.db
          .selectFrom('idempotency')
          .select('request_id')
          .where('expires_at', '<=', clock.now())
          .limit(FORGET_AT_ONCE_MAX);
        const { numDeletedRows } = await store.db
          .deleteFrom('idempotency')
          .where('request_id', 'in', expired)
          .executeTakeFirstOrThrow();
        forgotten += Number(numDeletedRows);
        if (numDeletedRows < FORGET_AT_ONCE_MAX) return forgotten;
      }
    },
  };
}

/** The row of the conflict is locked, so of many callers one gets it: the first, or one after its end. */
async function insertClaim({ store, clock, instanceId }: IdempotencyOptions, call: Call, sent: IdempotencyKey) {
  const now = clock.now();
  const { numAffectedRows } = await sql`
    insert into idempotency (cap_group_id, idempotency_key, fingerprint, request_id, instance_id, expires_at)
    select cap_group_id, ${sent.key}, ${sent.fingerprint}, ${call.requestId}, ${instanceId}, ${now + KEPT_MS}
    from api_key where key_id = ${call.keyId}
    on conflict (cap_group_id, idempotency_key) do update
    set fingerprint = excluded.fingerprint, request_id = excluded.request_id, instance_id = excluded.instance_id,
      reply = null, expires_at = excluded.expires_at
    where idempotency.expires_at <= ${now} or (idempotency.reply is null and not exists (
      select 1 from instance where instance.instance_id = idempotency.instance_id and instance.lease_until >= ${now}
    ))`.execute(store.db);
  return (numAffectedRows ?? 0n) > 0n;
}

function openClaim(options: IdempotencyOptions, requestId: string, earlier: EarlierReply | null): Claim {
  const { store, clock, log } = options;
  let ended = earlier !== null;
  return {
    requestId,
    earlier,
    // It changes no row where the claim has been lost, and then the call must not be charged.
    keep: (reply) => [
      store.db
        .updateTable('idempotency')
        .set({ reply, expires_at: clock.now() + KEPT_MS })
        .where('request_id', '=', requestId)
        .where('reply', 'is', null)
        .compile(),
    ],
    end: () => void (ended = true),
    async [Symbol.asyncDispose]() {
      if (ended) return;
      await store.db
        .deleteFrom('idempotency')
        .where('request_id', '=', requestId)
        .where('reply', 'is', null)
        .execute()
        // A failure here must not hide what ended the call; the claim then ends with this process's lease.
        .catch((error: unknown) => log.error({ request_id: requestId, cause: String(error) }, 'claim-release-failed'));
    },
  };
}

function findClaim(db: Db, call: Call, key: string) {
  return db
    .selectFrom('idempotency')
    .innerJoin('api_key', 'api_key.cap_group_id', 'idempotency.cap_group_id')
    .leftJoin('request', 'request.request_id', 'idempotency.request_id')
    .select(['fingerprint', 'reply', 'request.engine', 'request.warnings'])
    .where('api_key.key_id', '=', call.keyId)
    .where('idempotency_key', '=', key)
    .executeTakeFirst();
}
