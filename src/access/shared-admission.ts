/**
 * The same limits as in `admit.ts`, counted in the database for several servers. A call in flight has a row that names the
 * process it runs in: the calls of a process that died stop counting with its lease.
 */
import { sql, type CompiledQuery } from 'kysely';
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Db, Store } from '../store/store.ts';
import { refusal, type Admission, type Permit } from './admit.ts';
import { firstSecond, rateLimitOf, secondOf, type SecondCount } from './sliding-minute.ts';

export interface SharedAdmissionOptions {
  readonly store: Pick<Store, 'db' | 'writeIf'>;
  readonly clock: Clock;
  /** The process that the calls run in; it has a lease while it lives. */
  readonly instanceId: string;
  readonly log: Logger;
}

const SWEEP_MS = 60_000;

export function createSharedAdmission({ store, clock, instanceId, log }: SharedAdmissionOptions): Admission {
  const { db, writeIf } = store;
  /** Calls that have ended, but whose rows could not be removed then. */
  const ended = new Set<string>();
  let sweptAt = clock.now();

  /** Rows that count no more go once a minute. Only one server does it at a time, so that they never block each other. */
  async function sweep(now: number): Promise<void> {
    if (now - sweptAt < SWEEP_MS) return;
    sweptAt = now;
    const old = db.deleteFrom('request_second').where('second', '<', firstSecond(now)).compile();
    await writeIf(old, [], 'admission-sweep');
    for (const callId of ended) await forget(callId);
  }

  async function forget(callId: string): Promise<void> {
    await db.deleteFrom('call_in_flight').where('call_id', '=', callId).execute();
    ended.delete(callId);
  }

  function permitOf(callId: string): Permit {
    return {
      async [Symbol.asyncDispose]() {
        ended.add(callId);
        // A failure here must not hide what ended the call; the next sweep tries again.
        await forget(callId).catch((error: unknown) => log.error({ cause: String(error) }, 'permit-release-failed'));
      },
    };
  }

  return {
    async admit(caller, onRateLimit) {
      const now = clock.now();
      await sweep(now);
      const callId = newId('call');
      const row = { call_id: callId, cap_group_id: caller.capGroupId, instance_id: instanceId };
      const insert = db.insertInto('call_in_flight').values(row).compile();
      // Each admission counts rows that others add, so those of one key run one after the other.
      const admitted = await writeIf(countRequest(db, caller, now), [insert], `admission ${caller.capGroupId}`);
      const counts = await requestsOf(db, caller.capGroupId, now);
      onRateLimit(rateLimitOf(caller, counts, now));
      if (!admitted) throw refusal(caller, counts, now);
      return permitOf(callId);
    },
  };
}

/** Adds a request to its second, where the key's minute and its calls in flight leave room for one more. */
function countRequest(db: Db, caller: Caller, now: number): CompiledQuery {
  const { capGroupId, requestsPerMinute, concurrency } = caller;
  return sql`
    insert into request_second (cap_group_id, second, requests)
    select cap_group_id, ${secondOf(now)}, 1 from cap_group
    where cap_group_id = ${capGroupId}
      and (select coalesce(sum(requests), 0) from request_second
        where cap_group_id = ${capGroupId} and second >= ${firstSecond(now)}) < ${requestsPerMinute}
      and (select count(*) from call_in_flight join instance on instance.instance_id = call_in_flight.instance_id
        where call_in_flight.cap_group_id = ${capGroupId} and instance.lease_until >= ${now}) < ${concurrency}
    on conflict (cap_group_id, second) do update set requests = request_second.requests + 1`.compile(db);
}

function requestsOf(db: Db, capGroupId: string, now: number): Promise<SecondCount[]> {
  return db
    .selectFrom('request_second')
    .select(['second', 'requests'])
    .where('cap_group_id', '=', capGroupId)
    .where('second', '>=', firstSecond(now))
    .orderBy('second')
    .execute();
}
