/**
 * Holds, settlements and voids. A call's worst case is held before an engine starts, in one statement that checks the
 * monthly cap and the key; afterwards the real cost is settled, or the hold is voided. Each hold ends exactly once.
 */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { Store } from '../store/store.ts';
import { post, release, reserve, type HoldRequest, type HoldRow } from './ledger-rows.ts';
import type { Metered } from './request-log.ts';

/** An amount reserved for one call. Disposing it voids it, unless it has been settled or voided. */
export interface Hold extends AsyncDisposable {
  readonly holdId: string;
  readonly amountNanoUsd: NanoUsd;
}

export interface Receipt {
  readonly listNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
}

export interface Ledger {
  /** Throws `monthly_cap_reached` (with `cap_usd`, `spent_usd`, `resets_at`), or `invalid_api_key` for a key that has ended. */
  hold(call: HoldRequest, amountNanoUsd: NanoUsd): Promise<Hold>;
  /**
   * Charges the call, releases the rest of its hold and writes its row, all at once. Resolves once that is durable.
   * A cost above the hold is charged as the hold, with an alarm in the log. Throws where the hold has ended already.
   */
  settle(hold: Hold, metered: Metered): Promise<Receipt>;
  /** Releases a hold; false where it had ended already. */
  void(hold: Hold, reason: string): Promise<boolean>;
}

export interface LedgerOptions {
  readonly store: Pick<Store, 'db' | 'writeIf'>;
  readonly clock: Clock;
  /** The process that makes the holds; it has a lease while it lives. */
  readonly instanceId: string;
  readonly log: Logger;
}

const NOT_SETTLED = 'not_settled';

export function createLedger({ store, clock, instanceId, log }: LedgerOptions): Ledger {
  /** What the ledger knows of each hold that it gave out and that somebody still has. */
  const held = new WeakMap<Hold, { readonly call: HoldRequest; readonly row: HoldRow; ended: boolean }>();

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

    async settle(hold, metered) {
      const known = recall(hold);
      const bounded = withinHold(known.row, metered, log);
      await post(store, clock.now(), known.row, known.call, bounded);
      known.ended = true;
      return { listNanoUsd: bounded.charge.listNanoUsd, costNanoUsd: bounded.charge.costNanoUsd };
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

/** An engine that reports more than it was allowed costs the operator, never the caller. */
function withinHold(hold: HoldRow, metered: Metered, log: Logger): Metered {
  const { costNanoUsd } = metered.charge;
  if (costNanoUsd <= hold.amount_nano_usd) return metered;
  log.error(
    {
      alarm: true,
      request_id: hold.request_id,
      engine: metered.engine,
      held_usd: formatUsd(hold.amount_nano_usd),
      cost_usd: formatUsd(costNanoUsd),
    },
    'charge-above-hold',
  );
  return { ...metered, charge: { ...metered.charge, costNanoUsd: hold.amount_nano_usd } };
}
