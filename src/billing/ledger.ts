/**
 * Holds, settlements and voids. A call's worst case is held before an engine starts, in one step that checks the key, its
 * monthly cap and a prepaid balance; afterwards the real cost is settled, or the hold is voided. Each hold ends exactly once.
 */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { Store } from '../store/store.ts';
import { keepReply, type Claim } from './idempotency.ts';
import { post, postInTurn, release, reserve, type HoldRow, type Posting } from './ledger-rows.ts';
import { charge, type Charge } from './price.ts';
import type { Metered } from './request-log.ts';
import type { PricedCall } from './terms.ts';

/** An amount reserved for one call. Disposing it voids it, unless it has been settled or voided. */
export interface Hold extends AsyncDisposable {
  readonly holdId: string;
  readonly amountNanoUsd: NanoUsd;
}

export interface Receipt {
  readonly listNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
}

/** The reply to a call with an idempotency key: it is kept for repeats, and committed together with the settlement. */
export interface KeptReply {
  readonly claim: Claim;
  render(receipt: Receipt): string;
}

export interface Ledger {
  /**
   * Throws `monthly_cap_reached` (with `cap_usd`, `spent_usd`, `resets_at`), `insufficient_balance` (with `balance_usd`),
   * or `invalid_api_key` for a key that has ended.
   */
  hold(call: PricedCall, amountNanoUsd: NanoUsd): Promise<Hold>;
  /**
   * Charges the call, releases the rest of its hold, writes its row and keeps its reply, all at once. Resolves once that
   * is durable. A cost above the hold is charged as the hold, with an alarm in the log. Throws where the hold, or the
   * claim of the reply, has ended already.
   */
  settle(hold: Hold, metered: Metered, reply?: KeptReply): Promise<Receipt>;
  /** Releases a hold; false where it had ended already. */
  void(hold: Hold, reason: string): Promise<boolean>;
}

export interface LedgerOptions {
  readonly store: Pick<Store, 'db' | 'writeIf' | 'transaction'>;
  readonly clock: Clock;
  /** The process that makes the holds; it has a lease while it lives. */
  readonly instanceId: string;
  readonly log: Logger;
}

const NOT_SETTLED = 'not_settled';

export function createLedger({ store, clock, instanceId, log }: LedgerOptions): Ledger {
  /** What the ledger knows of each hold that it gave out and that somebody still has. */
  const held = new WeakMap<Hold, { readonly call: PricedCall; readonly row: HoldRow; ended: boolean }>();

  const recall = (hold: Hold) => {
    const known = held.get(hold);
    if (known === undefined) throw new Error(`The hold ${hold.holdId} was not made by this ledger.`);
    return known;
  };

  const ledger: Ledger = {
    async hold(call, amountNanoUsd) {
      const row = await reserve(store, { call, amountNanoUsd, instanceId, now: clock.now() });
      const hold: Hold = {
        holdId: row.hold_id,
        amountNanoUsd,
        async [Symbol.asyncDispose]() {
          if (recall(hold).ended) return;
          // A failure here must not hide what ended the call; the hold then ends with this process's lease.
          await ledger
            .void(hold, NOT_SETTLED)
            .catch((error: unknown) => log.error({ hold_id: row.hold_id, cause: String(error) }, 'hold-void-failed'));
        },
      };
      held.set(hold, { call, row, ended: false });
      return hold;
    },

    async settle(hold, metered, reply) {
      const known = recall(hold);
      const posting: Posting = {
        hold: known.row,
        call: known.call,
        metered,
        now: clock.now(),
        condition:
          reply === undefined ? null : (made) => keepReply(store.db, clock, reply.claim, reply.render(toReceipt(made))),
      };
      const { price, tiersCount } = metered.terms;
      const priceAt = (spentListNanoUsd: NanoUsd): Charge =>
        withinHold(known.row, metered, charge(metered.usage, price.listPrice, metered.terms, spentListNanoUsd), log);
      const made =
        tiersCount === null
          ? await post(store, posting, priceAt(0n))
          : await postInTurn(store, posting, tiersCount, priceAt);
      known.ended = true;
      reply?.claim.end();
      return toReceipt(made);
    },

    async void(hold, reason) {
      const known = recall(hold);
      const voided = await release(store, clock.now(), known.row, reason);
      known.ended = true;
      return voided;
    },
  };
  return ledger;
}

function toReceipt({ listNanoUsd, costNanoUsd }: Charge): Receipt {
  return { listNanoUsd, costNanoUsd };
}

/** An engine that reports more than it was allowed costs the operator, never the caller. */
function withinHold(hold: HoldRow, metered: Metered, made: Charge, log: Logger): Charge {
  if (made.costNanoUsd <= hold.amount_nano_usd) return made;
  log.error(
    {
      alarm: true,
      request_id: hold.request_id,
      engine: metered.engine,
      held_usd: formatUsd(hold.amount_nano_usd),
      cost_usd: formatUsd(made.costNanoUsd),
    },
    'charge-above-hold',
  );
  return { ...made, costNanoUsd: hold.amount_nano_usd };
}
