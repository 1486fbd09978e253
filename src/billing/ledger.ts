/**
 * Holds, settlements and voids. A call's worst case is held before an engine starts, in one step that checks the key, its
 * monthly cap and a prepaid balance; afterwards the real cost is settled, or the hold is voided. Each hold ends exactly once.
 */
import type { CompiledQuery } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { Store } from '../store/store.ts';
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

/** Who keeps the reply to a call: the claim of an idempotency key for repeats, or the job that the call runs for. */
export interface ReplyKeeper {
  /** Statements that keep it; each changes a row, unless the right to keep a reply has been lost. */
  keep(reply: string): readonly CompiledQuery[];
  /** Told once the reply is kept. */
  end(): void;
}

/** A reply that is committed together with the settlement, or neither is. */
export interface KeptReply {
  readonly keeper: ReplyKeeper;
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
   * right to keep the reply, has ended already.
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
  const ledger: Ledger = {
    async hold(call, amountNanoUsd) {
      const row = await reserve(store, { call, amountNanoUsd, instanceId, now: clock.now() });
      const hold = new OpenHold(call, row, async () => {
        // A failure here must not hide what ended the call; the hold then ends with this process's lease.
        await ledger
          .void(hold, NOT_SETTLED)
          .catch((error: unknown) => log.error({ hold_id: row.hold_id, cause: String(error) }, 'hold-void-failed'));
      });
      return hold;
    },

    async settle(hold, metered, reply) {
      const known = openHold(hold);
      const posting: Posting = {
        hold: known.row,
        call: known.call,
        metered,
        now: clock.now(),
        conditions: (made) => reply?.keeper.keep(reply.render(toReceipt(made))) ?? [],
      };
      const { price, tiersCount } = metered.terms;
      const priceAt = (spentListNanoUsd: NanoUsd): Charge =>
        withinHold(known.row, metered, charge(metered.usage, price.listPrice, metered.terms, spentListNanoUsd), log);
      const made =
        tiersCount === null
          ? await post(store, posting, priceAt(0n))
          : await postInTurn(store, posting, tiersCount, priceAt);
      known.ended = true;
      reply?.keeper.end();
      return toReceipt(made);
    },

    async void(hold, reason) {
      const known = openHold(hold);
      const voided = await release(store, clock.now(), known.row, reason);
      known.ended = true;
      return voided;
    },
  };
  return ledger;
}

/** What the ledger knows of a hold that it gave out. */
class OpenHold implements Hold {
  readonly call: PricedCall;
  readonly row: HoldRow;
  readonly #letGo: () => Promise<void>;
  ended = false;

  constructor(call: PricedCall, row: HoldRow, letGo: () => Promise<void>) {
    this.call = call;
    this.row = row;
    this.#letGo = letGo;
  }

  get holdId(): string {
    return this.row.hold_id;
  }

  get amountNanoUsd(): NanoUsd {
    return this.row.amount_nano_usd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) await this.#letGo();
  }
}

function openHold(hold: Hold): OpenHold {
  if (hold instanceof OpenHold) return hold;
  throw new Error(`The hold ${hold.holdId} was not made by a ledger.`);
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
