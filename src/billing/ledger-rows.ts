/** What holds, settlements and voids do to the tables. Each is one transaction of the kind that holds nobody up. */
import { sql, type CompiledQuery } from 'kysely';
import { AppError } from '../core/errors.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import { newId } from '../core/ids.ts';
import { keyIsLive } from '../store/key-is-live.ts';
import type { HoldTable } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import { monthEnd, monthOf } from './month.ts';
import { insertAnswer, type Call, type Metered } from './request-log.ts';

/** A call that is to be held for: its model is known by now. */
export type HoldRequest = Call & { readonly model: string };

/** What ends a hold must know of it. */
export type HoldRow = Omit<HoldTable, 'key_id' | 'cap_group_id' | 'model' | 'created_at'>;

export interface Reservation {
  readonly call: HoldRequest;
  readonly amountNanoUsd: NanoUsd;
  readonly instanceId: string;
  /** Milliseconds since 1970: the hold and its charge count in the month of this instant. */
  readonly now: number;
}

type LedgerStore = Pick<Store, 'db' | 'writeIf'>;

/** The operator's ledger account that every charge is paid to. */
const REVENUE = 'revenue';

/** Makes a hold, or throws `monthly_cap_reached` or `invalid_api_key`. */
export async function reserve({ db, writeIf }: LedgerStore, reservation: Reservation): Promise<HoldRow> {
  const { call, amountNanoUsd, now } = reservation;
  const hold: HoldRow = {
    hold_id: newId('hold'),
    request_id: call.requestId,
    account_id: call.accountId,
    month: monthOf(now),
    amount_nano_usd: amountNanoUsd,
  };
  const held = await writeIf(addToHeld(db, hold, call.keyId, now), [
    insertHold(db, hold, call, now),
    db.insertInto('open_hold').values({ hold_id: hold.hold_id, instance_id: reservation.instanceId }).compile(),
  ]);
  if (!held) throw await refusal(db, call.keyId, now);
  return hold;
}

/** Charges an open hold and writes the call's row; `internal_error` where the hold has ended already. */
export async function post(
  { db, writeIf }: LedgerStore,
  now: number,
  hold: HoldRow,
  call: HoldRequest,
  metered: Metered,
): Promise<void> {
  const { costNanoUsd } = metered.charge;
  const settled = await writeIf(takeOpenHold(db, hold).compile(), [
    moveBalance(db, hold, costNanoUsd),
    insertTransfer(db, now, hold, { kind: 'settle', amountNanoUsd: costNanoUsd, reason: null }),
    insertAnswer(db, call, metered),
  ]);
  if (settled) return;
  throw new AppError('internal_error', { detail: `The hold ${hold.hold_id} had ended before it was settled.` });
}

/** Ends an open hold without a charge; false where it had ended already. */
export function release(store: LedgerStore, now: number, hold: HoldRow, reason: string): Promise<boolean> {
  return voidIf(store, now, hold, reason, takeOpenHold(store.db, hold).compile());
}

/** Like `release`, for a hold whose owner is dead; false too where the owner has renewed its lease. */
export function releaseOfDeadOwner(store: LedgerStore, now: number, hold: HoldRow): Promise<boolean> {
  const dead = store.db.selectFrom('instance').select('instance_id').where('lease_until', '<', now);
  const condition = takeOpenHold(store.db, hold).where('instance_id', 'in', dead).compile();
  return voidIf(store, now, hold, 'lease_expired', condition);
}

function voidIf(
  { db, writeIf }: LedgerStore,
  now: number,
  hold: HoldRow,
  reason: string,
  condition: CompiledQuery,
): Promise<boolean> {
  return writeIf(condition, [
    moveBalance(db, hold, 0n),
    insertTransfer(db, now, hold, { kind: 'void', amountNanoUsd: 0n, reason }),
  ]);
}

/**
 * The one statement that decides: it adds to what is held only where the key lives and the cap allows it. The row of the
 * conflict is locked, so parallel calls see each other's holds.
 */
function addToHeld(db: Db, hold: HoldRow, keyId: string, now: number): CompiledQuery {
  return sql`
    insert into cap_balance (cap_group_id, month, settled_nano_usd, held_nano_usd)
    select cap_group.cap_group_id, ${hold.month}, 0, ${hold.amount_nano_usd}
    from api_key join cap_group on cap_group.cap_group_id = api_key.cap_group_id
    where api_key.key_id = ${keyId} and ${keyIsLive(now)}
      and (cap_group.cap_nano_usd is null or cap_group.cap_nano_usd >= ${hold.amount_nano_usd})
    on conflict (cap_group_id, month) do update
    set held_nano_usd = cap_balance.held_nano_usd + excluded.held_nano_usd
    where coalesce((
      select cap_balance.settled_nano_usd + cap_balance.held_nano_usd + excluded.held_nano_usd <= cap_group.cap_nano_usd
      from cap_group where cap_group.cap_group_id = excluded.cap_group_id and cap_group.cap_nano_usd is not null
    ), true)`.compile(db);
}

function insertHold(db: Db, hold: HoldRow, call: HoldRequest, now: number): CompiledQuery {
  return sql`
    insert into hold (hold_id, request_id, account_id, key_id, cap_group_id, month, model, amount_nano_usd, created_at)
    select ${hold.hold_id}, ${hold.request_id}, ${hold.account_id}, key_id, cap_group_id, ${hold.month}, ${call.model},
      ${hold.amount_nano_usd}, ${now}
    from api_key where key_id = ${call.keyId}`.compile(db);
}

/** Whoever removes the row ends the hold; nobody else can any more. */
function takeOpenHold(db: Db, hold: HoldRow) {
  return db.deleteFrom('open_hold').where('hold_id', '=', hold.hold_id);
}

function moveBalance(db: Db, hold: HoldRow, costNanoUsd: NanoUsd): CompiledQuery {
  const capGroup = db.selectFrom('hold').select('cap_group_id').where('hold_id', '=', hold.hold_id);
  return db
    .updateTable('cap_balance')
    .set((row) => ({
      held_nano_usd: row('held_nano_usd', '-', hold.amount_nano_usd),
      settled_nano_usd: row('settled_nano_usd', '+', costNanoUsd),
    }))
    .where('cap_group_id', '=', capGroup)
    .where('month', '=', hold.month)
    .compile();
}

function insertTransfer(
  db: Db,
  now: number,
  hold: HoldRow,
  end: { kind: 'settle' | 'void'; amountNanoUsd: NanoUsd; reason: string | null },
): CompiledQuery {
  return db
    .insertInto('transfer')
    .values({
      transfer_id: newId('tra'),
      kind: end.kind,
      hold_id: hold.hold_id,
      held_nano_usd: hold.amount_nano_usd,
      debit_account: `account:${hold.account_id}`,
      credit_account: REVENUE,
      amount_nano_usd: end.amountNanoUsd,
      reason: end.reason,
      created_at: now,
    })
    .compile();
}

/** Why no hold was made. The key and the cap are read afresh; where they would allow it by now, the next try will pass. */
async function refusal(db: Db, keyId: string, now: number): Promise<AppError> {
  const row = await db
    .selectFrom('api_key')
    .innerJoin('cap_group', 'cap_group.cap_group_id', 'api_key.cap_group_id')
    .leftJoin('cap_balance', (join) =>
      join.onRef('cap_balance.cap_group_id', '=', 'api_key.cap_group_id').on('cap_balance.month', '=', monthOf(now)),
    )
    .select(['cap_group.cap_nano_usd', 'cap_balance.settled_nano_usd'])
    .where('api_key.key_id', '=', keyId)
    .where(keyIsLive(now))
    .executeTakeFirst();
  if (row === undefined) return new AppError('invalid_api_key', { detail: `The key ${keyId} has ended.` });
  return new AppError('monthly_cap_reached', {
    members: {
      cap_usd: row.cap_nano_usd === null ? null : formatUsd(row.cap_nano_usd),
      spent_usd: formatUsd(row.settled_nano_usd ?? 0n),
      resets_at: new Date(monthEnd(now)).toISOString(),
    },
  });
}
