/** What the routes of `/api` work with. */
import type { Accounts } from '../../access/accounts.ts';
import type { AuditEntry } from '../../access/audit.ts';
import type { Keys } from '../../access/keys.ts';
import type { LogIn } from '../../access/log-in.ts';
import type { Sessions } from '../../access/sessions.ts';
import type { Users } from '../../access/users.ts';
import type { Balances } from '../../billing/balances.ts';
import type { PriceBook } from '../../billing/price-book.ts';
import type { KeptContent } from '../../billing/request-content.ts';
import type { ModelConfig, Registry } from '../../engines/registry.ts';
import type { WatchedEngine } from '../../engines/watched-engine.ts';
import type { WebhookSecrets } from '../../jobs/webhook-secrets.ts';
import type { Reports } from '../../reports/reports.ts';
import type { Guard } from './guard.ts';

/** What changes something: each of them does one change, together with the row of the audit log that tells of it. */
export interface Changes {
  readonly keys: Keys;
  readonly accounts: Accounts;
  readonly balances: Balances;
  readonly priceBook: PriceBook;
  readonly users: Users;
  readonly webhookSecrets: WebhookSecrets;
  readonly replayDelivery: (deliveryId: string) => Promise<void>;
}

export interface ApiServices {
  readonly guard: Guard;
  readonly reports: Reports;
  /** @param describe the row of the audit log, from what the change gives. */
  changes<Made>(describe: (made: Made) => AuditEntry): Changes;
  readonly sessions: Sessions;
  readonly logIn: LogIn;
  readonly users: Pick<Users, 'findLink'>;
  readonly models: readonly ModelConfig[];
  readonly registry: Pick<Registry, 'enginesOf' | 'select' | 'list'>;
  readonly engines: readonly WatchedEngine[];
  readonly queue: { waitingPieces(engineId: string): number; audioSeconds(): number };
  readonly publicUrl: string | null;
  readonly version: string;
  readonly defaultLimits: { readonly requestsPerMinute: number; readonly concurrency: number };
  readonly keeps: KeptContent;
  /** Told of each change, so that those who watch hear of it at once. */
  changed(): void;
}

/** Where the server is called, without a slash at the end. */
export function baseOf({ publicUrl }: Pick<ApiServices, 'publicUrl'>, request: Request): string {
  return (publicUrl ?? new URL(request.url).origin).replace(/\/+$/, '');
}
