/** What lies in the database for people: who may log in, what they see, and what they change. */
import { createAccounts } from '../access/accounts.ts';
import { audited, type AuditEntry } from '../access/audit.ts';
import { createKeys } from '../access/keys.ts';
import { createLogIn } from '../access/log-in.ts';
import { createLoginDelays } from '../access/login-delays.ts';
import { createPasswords } from '../access/passwords.ts';
import { createSessions } from '../access/sessions.ts';
import { createUsers } from '../access/users.ts';
import { createBalances } from '../billing/balances.ts';
import { createPriceBook } from '../billing/price-book.ts';
import type { Pricing } from '../billing/terms.ts';
import type { Clock } from '../core/clock.ts';
import type { Changes } from '../http/api/api-services.ts';
import { createDeliveries } from '../jobs/deliveries.ts';
import { createWebhookSecrets } from '../jobs/webhook-secrets.ts';
import { createReports } from '../reports/reports.ts';
import type { Store } from '../store/store.ts';

export interface PeopleOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly pepper: string;
  readonly pricing: Pricing;
  readonly instanceId: string;
}

export function openPeople({ store, clock, pepper, pricing, instanceId }: PeopleOptions) {
  const { db } = store;
  const users = createUsers({ store, clock });
  const sessions = createSessions({ db, clock });
  return {
    users,
    sessions,
    logIn: createLogIn({
      store,
      clock,
      passwords: createPasswords(),
      sessions,
      delays: createLoginDelays({ store, clock }),
      users,
    }),
    reports: createReports({ db, clock, pricing, priceBook: createPriceBook({ store, clock }) }),
    /** Each change is written in one transaction with the row of the audit log that `describe` makes of it. */
    changes: <Made>(describe: (made: Made) => AuditEntry): Changes => {
      const noted = audited(store, clock, describe);
      return {
        keys: createKeys({ store: noted, clock, pepper }),
        accounts: createAccounts({ store: noted, clock }),
        balances: createBalances({ store: noted, clock }),
        priceBook: createPriceBook({ store: noted, clock }),
        users: createUsers({ store: noted, clock }),
        webhookSecrets: createWebhookSecrets({ store: noted, clock, pepper }),
        replayDelivery: (deliveryId) =>
          noted.transaction((transaction) =>
            createDeliveries({ store: { ...store, db: transaction }, clock, instanceId }).replay(deliveryId),
          ),
      };
    },
  };
}
