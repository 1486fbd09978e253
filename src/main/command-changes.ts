/** What commands on the server change, each change with its row of the audit log: nobody's in particular, from no address. */
import type { AuditEntry } from '../access/audit.ts';
import type { Contract } from '../access/accounts.ts';
import type { KeyChanges } from '../access/keys.ts';
import { priceBody } from '../billing/quote.ts';
import { formatUsd } from '../core/money.ts';
import { formatTiers } from '../core/tiers.ts';
import type { Books } from './books.ts';

type Changed = Pick<Books, 'keys' | 'accounts' | 'balances' | 'priceBook' | 'users' | 'webhookSecrets' | 'deliveries'>;

export function commandChanges(books: Books): Changed {
  const { changes, reports } = books;
  const accountOfKey = async (keyId: string): Promise<string> =>
    (await reports.findKey(null, keyId)).account.account_id;
  return {
    ...keysAndPeople(books, accountOfKey),
    accounts: {
      ...books.accounts,
      create: (account) =>
        changes((id: string) =>
          command(id, 'account.create', id, { name: account.name, ...shownContract(account) }),
        ).accounts.create(account),
      set: (id, { name, ...contract }) =>
        changes(() =>
          command(id, 'account.edit', id, { ...(name === undefined ? {} : { name }), ...shownContract(contract) }),
        ).accounts.set(id, { ...(name === undefined ? {} : { name }), ...contract }),
    },
    balances: {
      ...books.balances,
      credit: (id, amount, note, makePrepaid) =>
        changes(() => command(id, 'balance.credit', id, { usd: formatUsd(amount), note })).balances.credit(
          id,
          amount,
          note,
          makePrepaid,
        ),
      setPrepaid: (id, balance) =>
        changes(() =>
          command(id, 'balance.set', id, { usd: balance === null ? null : formatUsd(balance) }),
        ).balances.setPrepaid(id, balance),
    },
    priceBook: {
      ...books.priceBook,
      set: (price) =>
        changes(({ version }: { version: number }) =>
          command(null, 'price.set', price.model, { version, ...priceBody(price.listPrice) }),
        ).priceBook.set(price),
    },
  };
}

function keysAndPeople(books: Books, accountOfKey: (keyId: string) => Promise<string>) {
  const { changes, reports } = books;
  return {
    keys: {
      ...books.keys,
      create: (key) =>
        changes(({ keyId }: { keyId: string }) =>
          command(key.accountId, 'key.create', keyId, { kind: key.kind, ...shownKey(key) }),
        ).keys.create(key),
      async set(keyId, changed) {
        const accountId = await accountOfKey(keyId);
        await changes(() => command(accountId, 'key.edit', keyId, shownKey(changed))).keys.set(keyId, changed);
      },
      async rotate(keyId, graceMs) {
        const accountId = await accountOfKey(keyId);
        const { keys } = changes(({ keyId: newId }: { keyId: string }) =>
          command(accountId, 'key.rotate', keyId, { new_key_id: newId, grace_seconds: graceMs / 1000 }),
        );
        return keys.rotate(keyId, graceMs);
      },
      async revoke(keyId) {
        const accountId = await accountOfKey(keyId);
        await changes(() => command(accountId, 'key.revoke', keyId)).keys.revoke(keyId);
      },
    },
    users: {
      ...books.users,
      create: (user) =>
        changes(({ userId }: { userId: string }) =>
          command(user.accountId, 'user.create', userId, { email: user.email, role: user.role }),
        ).users.create(user),
      async newLink(userId) {
        const { account, email } = await reports.findUser(userId);
        const entry = command(account?.account_id ?? null, 'user.link', userId, { email });
        return changes(() => entry).users.newLink(userId);
      },
      async remove(userId) {
        const { account, email } = await reports.findUser(userId);
        const entry = command(account?.account_id ?? null, 'user.remove', userId, { email });
        await changes(() => entry).users.remove(userId);
      },
    },
    webhookSecrets: {
      ...books.webhookSecrets,
      show: (id) => changes(() => command(id, 'webhook_secret.show', id)).webhookSecrets.show(id),
      rotate: (id) => changes(() => command(id, 'webhook_secret.rotate', id)).webhookSecrets.rotate(id),
    },
    deliveries: {
      ...books.deliveries,
      async replay(deliveryId) {
        const { account } = await reports.findDelivery(null, deliveryId);
        await changes(() => command(account.account_id, 'delivery.replay', deliveryId)).replayDelivery(deliveryId);
      },
    },
  } satisfies Pick<Changed, 'keys' | 'users' | 'webhookSecrets' | 'deliveries'>;
}

function command(
  accountId: string | null,
  action: string,
  target: string,
  detail: AuditEntry['detail'] = {},
): AuditEntry {
  return { userId: null, address: null, accountId, action, target, detail };
}

function shownContract({ discountBps, tiers }: Partial<Contract>): AuditEntry['detail'] {
  return {
    ...(discountBps === undefined ? {} : { discount_bps: discountBps }),
    ...(tiers === undefined ? {} : { tiers: formatTiers(tiers) }),
  };
}

function shownKey(key: KeyChanges): AuditEntry['detail'] {
  const all = {
    name: key.name,
    cap_usd: key.capNanoUsd === undefined || key.capNanoUsd === null ? key.capNanoUsd : formatUsd(key.capNanoUsd),
    requests_per_minute: key.requestsPerMinute,
    concurrency: key.concurrency,
    allowed_models: key.allowedModels?.join(', '),
    allowed_addresses: key.allowedAddresses?.join(', '),
    expires_at: typeof key.expiresAt === 'number' ? new Date(key.expiresAt).toISOString() : key.expiresAt,
    tiers: key.tiers === undefined ? undefined : formatTiers(key.tiers),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as AuditEntry['detail'];
}
