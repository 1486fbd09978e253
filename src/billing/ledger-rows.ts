/** What holds, settlements and voids do to the tables. Each is one transaction of the kind that holds nobody up. */
import { sql, type CompiledQuery } from 'kysely';
import { AppError } from '../core/errors.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import { newId } from '../core/ids.ts';
import { compileOnce } from '../store/compile-once.ts';
import { keyIsLive } from '../store/key-is-live.ts';
import { lockAccount } from '../store/lock-account.ts';
import type { HoldTable, OpenHoldTable, TransferTable } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import { monthEnd, monthOf } from './month.ts';
import type { Charge } from './price.ts';
import { answerRow, countInDay, insertAnswer, type Metered } from './request-log.ts';
import { spentList, type PricedCall } from './terms.ts';

/** What ends a hold must know of it. */
export type HoldRow = Omit<HoldTable, 'key_id' | 'cap_group_id' | 'model' | 'created_at'>;

export interface Reservation {
  readonly call: PricedCall;
  readonly amountNanoUsd: NanoUsd;
  readonly instanceId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The end of a hold in a charge. */
export interface Posting {
  readonly hold: HoldRow;
  readonly call: PricedCall;
  readonly metered: Metered;
  readonly now: number;
  /** More conditions on the settlement, each of which must change a row too. */
  readonly conditions: (charge: Charge) => readonly CompiledQuery[];
}

type LedgerStore = Pick<Store, 'db' | 'writeIf' | 'transaction'>;

/** The operator's ledger account that every charge is paid to. */
const REVENUE = 'revenue';

/** Makes a hold, or throws `monthly_cap_reached`, `insufficient_balance` or `invalid_api_key`. */
export async function reserve({ db, writeIf }: LedgerStore, reservation: Reservation): Promise<HoldRow> {
  const { call, amountNanoUsd, now } = reservation;
  const hold: HoldRow = {
    hold_id: newId('hold'),
    request_id: call.requestId,
    account_id: call.accountId,
    month: monthOf(call.startedAt),
    amount_nano_usd: amountNanoUsd,
  };
  // Whoever changes both balances takes the account's first, so that no two wait for each other.
  const held = await writeIf(
    [addToHeldOfAccount(db, hold), addToHeldOfKey(db, { ...hold, keyId: call.keyId, now })],
    [
      insertHold(db, { ...hold, keyId: call.keyId, model: call.model, now }),
      insertOpenHold(db, { hold_id: hold.hold_id, instance_id: reservation.instanceId }),
    ],
  );
  if (!held) throw await refusal(db, call, hold, now);
  return hold;
}

/**
 * Charges an open hold, at a price that does not depend on what was spent before, and writes the call's records.
 * Gives the charge; `internal_error` where the hold has ended already.
 */
export async function post({ db, writeIf }: LedgerStore, posting: Posting, charge: Charge): Promise<Charge> {
  const { hold } = posting;
  const conditions = [takeOpenHold(db, hold), ...posting.conditions(charge)];
  if (!(await writeIf(conditions, settlement(db, posting, charge, null)))) throw hasEnded(hold);
  return charge;
}

/**
 * Like `post`, at a price that depends on the list spend before the call: settlements of one account wait for each other
 * here, so that each knows its place.
 */
export function postInTurn(
  { transaction }: LedgerStore,
  posting: Posting,
  whose: 'account' | 'key',
  priceAt: (spentListNanoUsd: NanoUsd) => Charge,
): Promise<Charge> {
  const { hold, call, conditions } = posting;
  return transaction(async (db) => {
    const changes = async (query: CompiledQuery): Promise<boolean> =>
      ((await db.executeQuery(query)).numAffectedRows ?? 0n) > 0n;
    if (!(await changes(takeOpenHold(db, hold)))) throw hasEnded(hold);
    await lockAccount(db, hold.account_id);
    const spent = await spentList(db, call, whose);
    const charge = priceAt(spent);
    for (const condition of conditions(charge)) if (!(await changes(condition))) throw hasEnded(hold);
    for (const query of settlement(db, posting, charge, spent)) await db.executeQuery(query);
    return charge;
  });
}

/** Ends an open hold without a charge; false where it had ended already. */
export function release(store: LedgerStore, now: number, hold: HoldRow, reason: string): Promise<boolean> {
  return voidIf(store, now, hold, reason, takeOpenHold(store.db, hold));
}

/** Like `release`, for a hold whose owner is dead; false too where the owner has renewed its lease. */
export function releaseOfDeadOwner(store: Pick<Store, 'db' | 'writeIf'>, now: number, hold: HoldRow): Promise<boolean> {
  const dead = store.db.selectFrom('instance').select('instance_id').where('lease_until', '<', now);
  const condition = store.db
    .deleteFrom('open_hold')
    .where('hold_id', '=', hold.hold_id)
    .where('instance_id', 'in', dead)
    .compile();
  return voidIf(store, now, hold, 'lease_expired', condition);
}

function voidIf(
  { db, writeIf }: Pick<Store, 'db' | 'writeIf'>,
  now: number,
  hold: HoldRow,
  reason: string,
  condition: CompiledQuery,
): Promise<boolean> {
  return writeIf(condition, [
    moveAccountBalance(db, { ...hold, costNanoUsd: 0n }),
    moveKeyBalance(db, { ...hold, listNanoUsd: 0n, costNanoUsd: 0n }),
    insertTransfer(db, now, hold, { kind: 'void', amountNanoUsd: 0n, reason }),
  ]);
}

/** The balance of a prepaid account must cover what is held; the row is locked, so parallel calls see each other's holds. */
const addToHeldOfAccount = compileOnce((db, hold: HoldRow) =>
  sql`
    insert into account_balance (account_id, prepaid, balance_nano_usd, held_nano_usd)
    values (${hold.account_id}, 0, 0, ${hold.amount_nano_usd})
    on conflict (account_id) do update
    set held_nano_usd = account_balance.held_nano_usd + excluded.held_nano_usd
    where account_balance.prepaid = 0
      or account_balance.balance_nano_usd - account_balance.held_nano_usd >= excluded.held_nano_usd`.compile(db),
);

/**
 * Adds to what is held only where the key lives and its cap allows it. Key and cap are read behind the account's lock,
 * which whoever changes them takes too: a wait for it ends before this statement begins to look.
 */
const addToHeldOfKey = compileOnce((db, hold: HoldRow & { keyId: string; now: number }) =>
  sql`
    insert into cap_balance (cap_group_id, month, settled_nano_usd, held_nano_usd)
    select cap_group.cap_group_id, ${hold.month}, 0, ${hold.amount_nano_usd}
    from api_key join cap_group on cap_group.cap_group_id = api_key.cap_group_id
    where api_key.key_id = ${hold.keyId} and ${keyIsLive(hold.now)}
      and (cap_group.cap_nano_usd is null or cap_group.cap_nano_usd >= ${hold.amount_nano_usd})
    on conflict (cap_group_id, month) do update
    set held_nano_usd = cap_balance.held_nano_usd + excluded.held_nano_usd
    where coalesce((
      select cap_balance.settled_nano_usd + cap_balance.held_nano_usd + excluded.held_nano_usd <= cap_group.cap_nano_usd
      from cap_group where cap_group.cap_group_id = excluded.cap_group_id and cap_group.cap_nano_usd is not null
    ), true)`.compile(db),
);

const insertHold = compileOnce((db, hold: HoldRow & { keyId: string; model: string; now: number }) =>
  sql`
    insert into hold (hold_id, request_id, account_id, key_id, cap_group_id, month, model, amount_nano_usd, created_at)
    select ${hold.hold_id}, ${hold.request_id}, ${hold.account_id}, key_id, cap_group_id, ${hold.month}, ${hold.model},
      ${hold.amount_nano_usd}, ${hold.now}
    from api_key where key_id = ${hold.keyId}`.compile(db),
);

const insertOpenHold = compileOnce((db, { hold_id, instance_id }: OpenHoldTable) =>
  db.insertInto('open_hold').values({ hold_id, instance_id }).compile(),
);

/** Whoever removes the row ends the hold; nobody else can any more. */
const takeOpenHold = compileOnce((db, { hold_id }: Pick<HoldRow, 'hold_id'>) =>
  db.deleteFrom('open_hold').where('hold_id', '=', hold_id).compile(),
);

function hasEnded(hold: HoldRow): AppError {
  return new AppError('internal_error', {
    detail: `The hold ${hold.hold_id}, or the right to keep its reply, had ended before it was settled.`,
  });
}

function settlement(db: Db, posting: Posting, charge: Charge, spentListNanoUsd: bigint | null): CompiledQuery[] {
  const { hold, call, metered, now } = posting;
  const answer = answerRow(call, metered, charge, spentListNanoUsd);
  return [
    // Rows of the call alone come first: an account's calls wait for each other from its balance on.
    insertTransfer(db, now, hold, { kind: 'settle', amountNanoUsd: charge.costNanoUsd, reason: null }),
    insertAnswer(db, answer),
    moveAccountBalance(db, { ...hold, costNanoUsd: charge.costNanoUsd }),
    moveKeyBalance(db, { ...hold, ...charge }),
    ...countInDay(db, answer),
  ];
}

const moveAccountBalance = compileOnce((db, hold: HoldRow & { costNanoUsd: NanoUsd }) =>
  db
    .updateTable('account_balance')
    .set((row) => ({
      held_nano_usd: row('held_nano_usd', '-', hold.amount_nano_usd),
      balance_nano_usd: row('balance_nano_usd', '-', hold.costNanoUsd),
    }))
    .where('account_id', '=', hold.account_id)
    .compile(),
);

const moveKeyBalance = compileOnce((db, hold: HoldRow & Pick<Charge, 'listNanoUsd' | 'costNanoUsd'>) =>
  db
    .updateTable('cap_balance')
    .set((row) => ({
      held_nano_usd: row('held_nano_usd', '-', hold.amount_nano_usd),
      settled_nano_usd: row('settled_nano_usd', '+', hold.costNanoUsd),
      list_nano_usd: row('list_nano_usd', '+', hold.listNanoUsd),
    }))
    .where('cap_group_id', '=', (from) =>
      from.selectFrom('hold').select('cap_group_id').where('hold_id', '=', hold.hold_id),
    )
    .where('month', '=', hold.month)
    .compile(),
);

function insertTransfer(
  db: Db,
  now: number,
  hold: HoldRow,
  end: { kind: 'settle' | 'void'; amountNanoUsd: NanoUsd; reason: string | null },
): CompiledQuery {
  return insertTransferRow(db, {
    transfer_id: newId('tra'),
    kind: end.kind,
    hold_id: hold.hold_id,
    held_nano_usd: hold.amount_nano_usd,
    debit_account: `account:${hold.account_id}`,
    credit_account: REVENUE,
    amount_nano_usd: end.amountNanoUsd,
    reason: end.reason,
    created_at: now,
  });
}

const insertTransferRow = compileOnce((db, row: Omit<TransferTable, 'note'>) =>
  db
    .insertInto('transfer')
    .values({
      transfer_id: row.transfer_id,
      kind: row.kind,
      hold_id: row.hold_id,
      held_nano_usd: row.held_nano_usd,
      debit_account: row.debit_account,
      credit_account: row.credit_account,
      amount_nano_usd: row.amount_nano_usd,
      reason: row.reason,
      created_at: row.created_at,
    })
    .compile(),
);

/**
 * Why no hold was made. Key, cap and balance are read afresh; where they would allow it by now, the next try will pass,
 * and what is named is the limit that there is.
 */
async function refusal(db: Db, call: PricedCall, hold: HoldRow, now: number): Promise<AppError> {
  const row = await db
    .selectFrom('api_key')
    .innerJoin('cap_group', 'cap_group.cap_group_id', 'api_key.cap_group_id')
    .leftJoin('account_balance', 'account_balance.account_id', 'api_key.account_id')
    .leftJoin('cap_balance', (join) =>
      join.onRef('cap_balance.cap_group_id', '=', 'api_key.cap_group_id').on('cap_balance.month', '=', hold.month),
    )
    .select([
      'cap_group.cap_nano_usd',
      'cap_balance.settled_nano_usd',
      'cap_balance.held_nano_usd as cap_held_nano_usd',
      'account_balance.prepaid',
      'account_balance.balance_nano_usd',
    ])
    .where('api_key.key_id', '=', call.keyId)
    .where(keyIsLive(now))
    .executeTakeFirst();
  if (row === undefined) return new AppError('invalid_api_key', { detail: `The key ${call.keyId} has ended.` });
  const { cap_nano_usd: cap, settled_nano_usd: spent } = row;
  const wouldUse = (spent ?? 0n) + (row.cap_held_nano_usd ?? 0n) + hold.amount_nano_usd;
  if (row.prepaid === 1 && (cap === null || wouldUse <= cap)) {
    return new AppError('insufficient_balance', { members: { balance_usd: formatUsd(row.balance_nano_usd ?? 0n) } });
  }
  return new AppError('monthly_cap_reached', {
    members: {
      cap_usd: cap === null ? null : formatUsd(cap),
      spent_usd: formatUsd(spent ?? 0n),
      resets_at: new Date(monthEnd(call.startedAt)).toISOString(),
    },
  });
}
