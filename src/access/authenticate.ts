/** From the headers of a call to the key behind it, before anything else of the call is read. */
import type { Selectable } from 'kysely';
import { createAddressList } from '../core/address-list.ts';
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { ApiKeyTable, CapGroupTable } from '../store/schema.ts';
import type { Db } from '../store/store.ts';
import type { KeyCache } from './key-cache.ts';
import { readStoredList } from './keys.ts';
import { parseKeyText } from './key-text.ts';
import { sameDigest, secretDigest } from './secret-digest.ts';

/**
 * Throws `missing_authorization`; `invalid_parameter` where two headers name different keys; `invalid_api_key` for a key
 * that is malformed, unknown, revoked or expired.
 */
export type Authenticate = (headers: Pick<Headers, 'get'>) => Promise<Caller>;

export interface AuthenticateOptions {
  readonly db: Db;
  /** Null where every key is read anew. */
  readonly cache: KeyCache<KeyRow> | null;
  readonly clock: Clock;
  readonly pepper: string;
  /** For keys that set no limit of their own. */
  readonly defaults: { readonly requestsPerMinute: number; readonly concurrency: number };
}

export type KeyRow = Selectable<ApiKeyTable & CapGroupTable>;

/** The digest that an unknown key is compared with, so that it takes the same work as a known one. */
const NO_DIGEST = '0'.repeat(64);

export function createAuthenticate({ db, cache, clock, pepper, defaults }: AuthenticateOptions): Authenticate {
  return async (headers) => {
    const parts = parseKeyText(readKey(headers));
    if (parts === null) throw new AppError('invalid_api_key', { detail: 'The text is no key.' });
    const read = (): Promise<KeyRow | undefined> => readKeyRow(db, parts.keyId);
    const row = await (cache === null ? read() : cache.get(parts.keyId, read));
    const same = sameDigest(secretDigest(pepper, parts.secret), row?.secret_digest ?? NO_DIGEST);
    if (row === undefined || !same || row.kind !== parts.kind || !isLive(row, clock.now()))
      throw new AppError('invalid_api_key', { detail: `No live key ${parts.keyId}.` });
    return toCaller(row, defaults);
  };
}

/** Finds the caller behind a key without its secret, for a call that was authenticated before. Throws `invalid_api_key`. */
export function createFindCaller(
  options: Pick<AuthenticateOptions, 'db' | 'clock' | 'defaults'>,
): (keyId: string) => Promise<Caller> {
  const { db, clock, defaults } = options;
  return async (keyId) => {
    const row = await readKeyRow(db, keyId);
    if (row === undefined || !isLive(row, clock.now()))
      throw new AppError('invalid_api_key', { detail: `No live key ${keyId}.` });
    return toCaller(row, defaults);
  };
}

function toCaller(row: KeyRow, defaults: AuthenticateOptions['defaults']): Caller {
  return {
    accountId: row.account_id,
    keyId: row.key_id,
    capGroupId: row.cap_group_id,
    kind: row.kind,
    name: row.name,
    capNanoUsd: row.cap_nano_usd,
    allowedModels: readStoredList(row.allowed_models),
    allowedAddresses: readStoredList(row.allowed_addresses),
    requestsPerMinute: row.requests_per_minute ?? defaults.requestsPerMinute,
    concurrency: row.concurrency ?? defaults.concurrency,
    expiresAt: row.expires_at,
  };
}

function readKeyRow(db: Db, keyId: string): Promise<KeyRow | undefined> {
  return db
    .selectFrom('api_key')
    .innerJoin('cap_group', 'cap_group.cap_group_id', 'api_key.cap_group_id')
    .selectAll()
    .where('key_id', '=', keyId)
    .executeTakeFirst();
}

/** The same as `keyIsLive` in the statement that makes a hold, which decides in the end. */
function isLive({ revoked_at, retires_at, expires_at }: KeyRow, nowMs: number): boolean {
  return revoked_at === null && (retires_at ?? Infinity) > nowMs && (expires_at ?? Infinity) > nowMs;
}

/** Throws `ip_not_allowed` where the key is for other addresses. */
export function requireAddress({ keyId, allowedAddresses }: Caller, address: string): void {
  if (allowedAddresses === null || createAddressList(allowedAddresses).contains(address)) return;
  throw new AppError('ip_not_allowed', { detail: `The key ${keyId} was used from ${address}.` });
}

/** Throws `model_not_allowed` where the key is for other models. */
export function requireModel({ allowedModels }: Caller, model: string): void {
  if (allowedModels !== null && !allowedModels.includes(model)) {
    throw new AppError('model_not_allowed', { param: 'model' });
  }
}

/** Throws `wholesale_key_required` for a console key. */
export function requireWholesale(caller: Caller): void {
  if (caller.kind !== 'wholesale') throw new AppError('wholesale_key_required');
}

function readKey(headers: Pick<Headers, 'get'>): string {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
  const apiKey = headers.get('x-api-key') ?? bearer;
  if (apiKey === undefined) throw new AppError('missing_authorization');
  if (bearer !== undefined && bearer !== apiKey) {
    throw new AppError('invalid_parameter', {
      param: 'x-api-key',
      message: '`Authorization` and `x-api-key` hold different keys. Send one of them.',
    });
  }
  return apiKey;
}
