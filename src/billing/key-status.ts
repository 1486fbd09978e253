/** What a key has spent this month and may still spend, in the shape of `GET /v1/key`. */
import type { Caller, KeyKind } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { formatUsd } from '../core/money.ts';
import type { Db } from '../store/store.ts';
import { monthEnd, monthOf } from './month.ts';

export interface KeyStatus {
  readonly key_id: string;
  readonly name: string;
  readonly kind: KeyKind;
  readonly account_id: string;
  readonly cap_usd: string | null;
  readonly spent_usd: string;
  readonly held_usd: string;
  readonly remaining_usd: string | null;
  readonly resets_at: string;
  readonly requests_per_minute: number;
  readonly concurrency: number;
  readonly expires_at: string | null;
}

export async function keyStatus(db: Db, clock: Clock, caller: Caller): Promise<KeyStatus> {
  const now = clock.now();
  const row = await db
    .selectFrom('cap_balance')
    .select(['settled_nano_usd', 'held_nano_usd'])
    .where('cap_group_id', '=', caller.capGroupId)
    .where('month', '=', monthOf(now))
    .executeTakeFirst();
  const { settled_nano_usd: spent, held_nano_usd: held } = row ?? { settled_nano_usd: 0n, held_nano_usd: 0n };
  return {
    key_id: caller.keyId,
    name: caller.name,
    kind: caller.kind,
    account_id: caller.accountId,
    cap_usd: caller.capNanoUsd === null ? null : formatUsd(caller.capNanoUsd),
    spent_usd: formatUsd(spent),
    held_usd: formatUsd(held),
    remaining_usd: caller.capNanoUsd === null ? null : formatUsd(notBelowZero(caller.capNanoUsd - spent - held)),
    resets_at: new Date(monthEnd(now)).toISOString(),
    requests_per_minute: caller.requestsPerMinute,
    concurrency: caller.concurrency,
    expires_at: caller.expiresAt === null ? null : new Date(caller.expiresAt).toISOString(),
  };
}

/** A cap that was lowered below what has been spent leaves nothing, not less. */
function notBelowZero(nanoUsd: bigint): bigint {
  return nanoUsd < 0n ? 0n : nanoUsd;
}
