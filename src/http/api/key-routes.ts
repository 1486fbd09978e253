/** Keys: listed, made, changed, rotated, revoked. */
import type { KeyChanges } from '../../access/keys.ts';
import { isAddressRange } from '../../core/address-list.ts';
import { AppError } from '../../core/errors.ts';
import { parseTiers } from '../../core/tiers.ts';
import type { Route } from '../app.ts';
import {
  createKeyRequest,
  editKeyRequest,
  keysQuery,
  revokeKeyRequest,
  rotateKeyRequest,
  type EditKeyRequest,
  type IssuedKey,
  type KeyRow,
  type Page,
  type RotatedKey,
} from './contract.ts';
import { accountOf, bodyOf, CHANGERS, EVERYBODY, idOf, oneAccountOf, queryOf, type ApiCall } from './guard.ts';
import { auditBy } from './audit-by.ts';
import { instantMs, nanoUsd } from './read-values.ts';
import type { ApiServices } from './api-services.ts';

export function keyRoutes(services: ApiServices): Route[] {
  const { guard, reports } = services;
  const find = (call: ApiCall, keyId: string): Promise<KeyRow> => reports.findKey(accountOf(call, undefined), keyId);
  return [
    guard.route('GET', '/api/keys', EVERYBODY, async (call): Promise<Page<KeyRow>> => {
      const { account, cursor, limit, q, state, kind } = queryOf(call, keysQuery);
      return reports.keyPage({ accountId: accountOf(call, account), cursor, limit, text: q, state, kind });
    }),
    guard.route('GET', '/api/keys/:id', EVERYBODY, (call) => find(call, idOf(call))),
    guard.route('POST', '/api/keys', CHANGERS, (call) => create(call, services)),
    guard.route('POST', '/api/keys/:id', CHANGERS, async (call) => {
      const keyId = idOf(call);
      const body = await bodyOf(call, editKeyRequest);
      const before = await find(call, keyId);
      const changes = readChanges(call, body);
      const entry = auditBy(call, before.account.account_id, 'key.edit', keyId, shown(body));
      await services.changes(() => entry).keys.set(keyId, changes);
      services.changed();
      return find(call, keyId);
    }),
    guard.route('POST', '/api/keys/:id/rotate', CHANGERS, async (call): Promise<RotatedKey> => {
      const keyId = idOf(call);
      const { grace_seconds: graceSeconds } = await bodyOf(call, rotateKeyRequest);
      const before = await find(call, keyId);
      const { keys } = services.changes(({ keyId: newId }: { keyId: string }) =>
        auditBy(call, before.account.account_id, 'key.rotate', keyId, {
          new_key_id: newId,
          grace_seconds: graceSeconds,
        }),
      );
      const issued = await keys.rotate(keyId, graceSeconds * 1000);
      services.changed();
      return {
        key: issued.key,
        row: await find(call, issued.keyId),
        old_key_id: keyId,
        old_key_expires_at: new Date(issued.oldKeyExpiresAt).toISOString(),
      };
    }),
    guard.route('POST', '/api/keys/:id/revoke', CHANGERS, async (call) => {
      const keyId = idOf(call);
      await bodyOf(call, revokeKeyRequest);
      const before = await find(call, keyId);
      const entry = auditBy(call, before.account.account_id, 'key.revoke', keyId, {});
      await services.changes(() => entry).keys.revoke(keyId);
      services.changed();
      return find(call, keyId);
    }),
  ];
}

async function create(call: ApiCall, services: ApiServices): Promise<IssuedKey> {
  const { account_id: asked, kind, ...body } = await bodyOf(call, createKeyRequest);
  const accountId = oneAccountOf(call, asked, 'account_id');
  const changes = readChanges(call, body);
  const { keys } = services.changes(({ keyId }: { keyId: string }) =>
    auditBy(call, accountId, 'key.create', keyId, { kind, ...shown(body) }),
  );
  const issued = await keys.create({ ...NO_LIMITS, ...changes, accountId, kind });
  services.changed();
  return { key: issued.key, row: await services.reports.findKey(accountId, issued.keyId) };
}

const NO_LIMITS = {
  name: '',
  capNanoUsd: null,
  expiresAt: null,
  requestsPerMinute: null,
  concurrency: null,
  allowedModels: null,
  allowedAddresses: null,
  tiers: [],
} as const satisfies Required<KeyChanges>;

/** Throws `invalid_parameter` for what the schema's patterns let through, and `role_not_allowed` for tiers of an owner's. */
function readChanges({ viewer }: ApiCall, body: EditKeyRequest): KeyChanges {
  // An owner decides what the key may spend, not what it pays.
  if (body.tiers !== undefined && viewer.role !== 'operator')
    throw new AppError('role_not_allowed', { param: 'tiers' });
  const addresses = body.allowed_addresses ?? null;
  if (addresses !== null && !addresses.every(isAddressRange)) {
    throw new AppError('invalid_parameter', {
      param: 'allowed_addresses',
      message: 'The parameter "allowed_addresses" must have addresses or ranges such as 203.0.113.7 or 10.0.0.0/8.',
    });
  }
  const changes = {
    name: body.name,
    capNanoUsd: body.cap_usd === undefined ? undefined : nanoUsd(body.cap_usd, 'cap_usd'),
    expiresAt: body.expires_at === undefined ? undefined : instantMs(body.expires_at, 'expires_at'),
    requestsPerMinute: body.requests_per_minute,
    concurrency: body.concurrency,
    allowedModels: body.allowed_models,
    allowedAddresses: body.allowed_addresses,
    tiers: body.tiers === undefined ? undefined : readTiers(body.tiers),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as KeyChanges;
}

export function readTiers(text: string) {
  const tiers = parseTiers(text);
  if (tiers !== null) return tiers;
  throw new AppError('invalid_parameter', {
    param: 'tiers',
    message:
      'The parameter "tiers" must look like "1000:500,10000:1200", with rising amounts and discounts that never fall.',
  });
}

/** What was changed, for the audit log. */
function shown(body: EditKeyRequest): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value as string | number | null)]),
  );
}
