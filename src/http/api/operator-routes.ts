/** What the operator alone sees: accounts, users, engines, and who did what. */
import type { AuditEntry } from '../../access/audit.ts';
import type { CreatedUser, OneTimeLink } from '../../access/users.ts';
import type { Route } from '../app.ts';
import { auditBy } from './audit-by.ts';
import {
  accountsQuery,
  auditQuery,
  createAccountRequest,
  createUserRequest,
  userRequest,
  usersQuery,
  type AccountRow,
  type AuditRow,
  type EnginesReply,
  type Page,
  type UserRow,
  type UserWithLink,
} from './contract.ts';
import { engineEntry } from './engine-bodies.ts';
import { bodyOf, idOf, OPERATOR, queryOf, type ApiCall } from './guard.ts';
import { readTiers } from './key-routes.ts';
import { nanoUsd } from './read-values.ts';
import { baseOf, type ApiServices } from './api-services.ts';

export function operatorRoutes(services: ApiServices): Route[] {
  const { guard, reports, engines, queue } = services;
  return [
    guard.route('GET', '/api/accounts', OPERATOR, async (call): Promise<Page<AccountRow>> => {
      const { cursor, limit, q } = queryOf(call, accountsQuery);
      return reports.accountPage({ cursor, limit, text: q });
    }),
    guard.route('POST', '/api/accounts', OPERATOR, (call) => createAccount(call, services)),
    guard.route('GET', '/api/users', OPERATOR, async (call): Promise<Page<UserRow>> => {
      const { cursor, limit, q } = queryOf(call, usersQuery);
      return reports.userPage({ cursor, limit, text: q });
    }),
    guard.route('POST', '/api/users', OPERATOR, (call) => createUser(call, services)),
    guard.route('POST', '/api/users/:id/link', OPERATOR, (call) => newLink(call, services)),
    guard.route('POST', '/api/users/:id/remove', OPERATOR, (call) => removeUser(call, services)),
    guard.route('GET', '/api/engines', OPERATOR, async (): Promise<EnginesReply> => {
      const waiting = engines.reduce((sum, { id }) => sum + queue.waitingPieces(id), 0);
      return {
        data: engines.map(engineEntry),
        queue: { waiting_pieces: waiting, waiting_audio_seconds: queue.audioSeconds() },
      };
    }),
    guard.route('GET', '/api/audit', OPERATOR, async (call): Promise<Page<AuditRow>> => {
      const { cursor, limit, action } = queryOf(call, auditQuery);
      return reports.auditPage({ cursor, limit, action });
    }),
  ];
}

async function createAccount(call: ApiCall, services: ApiServices): Promise<AccountRow> {
  const body = await bodyOf(call, createAccountRequest);
  const { name, discount_bps: discountBps = 0, tiers = '', balance_usd: balance } = body;
  const balanceNanoUsd = balance === undefined ? null : nanoUsd(balance, 'balance_usd');
  const { accounts } = services.changes((accountId: string) =>
    auditBy(call, accountId, 'account.create', accountId, { name, discount_bps: discountBps, tiers }),
  );
  const accountId = await accounts.create({ name, discountBps, tiers: readTiers(tiers) });
  if (balanceNanoUsd !== null) {
    const entry = auditBy(call, accountId, 'balance.set', accountId, { usd: balance ?? '0' });
    await services.changes(() => entry).balances.setPrepaid(accountId, balanceNanoUsd);
  }
  services.changed();
  return services.reports.findAccount(accountId);
}

async function createUser(call: ApiCall, services: ApiServices): Promise<UserWithLink> {
  const { email, role, account_id: accountId = null } = await bodyOf(call, createUserRequest);
  const { users } = services.changes(({ userId }: CreatedUser) =>
    auditBy(call, accountId, 'user.create', userId, { email, role }),
  );
  const made = await users.create({ email, role, accountId });
  return withLink(call, services, await services.reports.findUser(made.userId), made);
}

async function newLink(call: ApiCall, services: ApiServices): Promise<UserWithLink> {
  await bodyOf(call, userRequest);
  const row = await services.reports.findUser(idOf(call));
  const link = await services.changes(() => entryOf(call, row, 'user.link')).users.newLink(row.user_id);
  return withLink(call, services, row, link);
}

function withLink(
  { request }: ApiCall,
  services: ApiServices,
  row: UserRow,
  { token, expiresAt }: OneTimeLink,
): UserWithLink {
  return {
    row,
    setup_url: `${baseOf(services, request)}/dashboard/setup?token=${token}`,
    expires_at: new Date(expiresAt).toISOString(),
  };
}

async function removeUser(call: ApiCall, services: ApiServices): Promise<UserRow> {
  await bodyOf(call, userRequest);
  const row = await services.reports.findUser(idOf(call));
  const { users } = services.changes(() => entryOf(call, row, 'user.remove'));
  await users.remove(row.user_id, call.viewer.userId);
  services.changed();
  return row;
}

function entryOf(call: ApiCall, { user_id: userId, account, email }: UserRow, action: string): AuditEntry {
  return auditBy(call, account?.account_id ?? null, action, userId, { email });
}
