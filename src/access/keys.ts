/** Keys: made, changed, listed, rotated and revoked. What calls with them is allowed lies in `authenticate` and `admit`. */
import type { Transaction } from 'kysely';
import type { KeyKind } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { formatTiers, parseTiers, type Tier } from '../core/tiers.ts';
import type { ApiKeyTable, Schema } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import { lockAccount } from '../store/lock-account.ts';
import { newKeyText } from './key-text.ts';
import { secretDigest } from './secret-digest.ts';

export interface NewKey {
  readonly accountId: string;
  readonly kind: KeyKind;
  readonly name: string;
  /** Nano-USD a calendar month (UTC); null means no cap. */
  readonly capNanoUsd: bigint | null;
  /** Milliseconds since 1970; null for a key without an end. */
  readonly expiresAt: number | null;
  /** Null takes the operator's default. */
  readonly requestsPerMinute: number | null;
  readonly concurrency: number | null;
  /** Null allows every model, or every address. Addresses may be ranges (CIDR). */
  readonly allowedModels: readonly string[] | null;
  readonly allowedAddresses: readonly string[] | null;
  /** Where there are some, they count the spend of the key, with that of its predecessors, instead of the account's tiers. */
  readonly tiers: readonly Tier[];
}

/** What can be changed of a key. Cap and tiers are shared with predecessors and successors. */
export type KeyChanges = Partial<Omit<NewKey, 'accountId' | 'kind'>>;

/** A key as it may be shown at any time. */
export interface Key extends NewKey {
  readonly keyId: string;
  readonly lastFour: string;
  readonly createdAt: number;
  /** The end of the grace time, for a key that has been rotated. */
  readonly retiresAt: number | null;
  readonly revokedAt: number | null;
}

/** `key` is the key's text: the only time that it can be seen. */
export interface IssuedKey {
  readonly keyId: string;
  readonly key: string;
}

export interface Keys {
  /** `not_found` where there is no such account, `invalid_parameter` for an end that has passed. */
  create(key: NewKey): Promise<IssuedKey>;
  /** The oldest first; of one account, or of all. */
  list(accountId: string | null): Promise<Key[]>;
  /** Changes what is given, from the next call on. `not_found` for an unknown key, `invalid_parameter` for an end that has passed. */
  set(keyId: string, changes: KeyChanges): Promise<void>;
  /**
   * Makes a successor with the same rights, which shares the monthly cap; the old key works for `graceMs` longer.
   * `not_found` for an unknown key, `conflict` for one that has ended.
   */
  rotate(keyId: string, graceMs: number): Promise<IssuedKey & { readonly oldKeyExpiresAt: number }>;
  /** From the moment that it resolves, the key starts no new hold. `not_found` for an unknown key; repeating it is harmless. */
  revoke(keyId: string): Promise<void>;
}

export interface KeysOptions {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  /** The secret that is mixed into key digests. */
  readonly pepper: string;
}

export function createKeys({ store, clock, pepper }: KeysOptions): Keys {
  return {
    create: (key) =>
      store.transaction(async (transaction) => {
        await assertAccount(transaction, key.accountId);
        assertFuture(key.expiresAt, clock);
        const capGroupId = newId('cap');
        await transaction
          .insertInto('cap_group')
          .values({ cap_group_id: capGroupId, cap_nano_usd: key.capNanoUsd })
          .execute();
        if (key.tiers.length > 0) await addTerms(transaction, capGroupId, clock.now(), key.tiers);
        return issue(transaction, pepper, {
          account_id: key.accountId,
          cap_group_id: capGroupId,
          kind: key.kind,
          name: key.name,
          requests_per_minute: key.requestsPerMinute,
          concurrency: key.concurrency,
          allowed_models: toStoredList(key.allowedModels),
          allowed_addresses: toStoredList(key.allowedAddresses),
          created_at: clock.now(),
          expires_at: key.expiresAt,
          retires_at: null,
          revoked_at: null,
        });
      }),

    list: (accountId) => list(store.db, accountId),

    set: (keyId, changes) =>
      store.transaction(async (transaction) => {
        const { cap_group_id: capGroupId } = await findLocked(transaction, keyId);
        assertFuture(changes.expiresAt ?? null, clock);
        const columns = changedColumns(changes);
        if (Object.keys(columns).length > 0)
          await transaction.updateTable('api_key').set(columns).where('key_id', '=', keyId).execute();
        if (changes.capNanoUsd !== undefined)
          await transaction
            .updateTable('cap_group')
            .set({ cap_nano_usd: changes.capNanoUsd })
            .where('cap_group_id', '=', capGroupId)
            .execute();
        if (changes.tiers !== undefined) await addTerms(transaction, capGroupId, clock.now(), changes.tiers);
      }),

    rotate: (keyId, graceMs) =>
      store.transaction(async (transaction) => {
        const old = await findLocked(transaction, keyId);
        const now = clock.now();
        const endsAt = Math.min(old.retires_at ?? Infinity, old.expires_at ?? Infinity);
        if (old.revoked_at !== null || endsAt <= now) {
          throw new AppError('conflict', { message: 'The key has ended; create a new one.' });
        }
        const oldKeyExpiresAt = Math.min(endsAt, now + graceMs);
        await transaction
          .updateTable('api_key')
          .set(oldKeyExpiresAt > now ? { retires_at: oldKeyExpiresAt } : { revoked_at: now })
          .where('key_id', '=', keyId)
          .execute();
        const issued = await issue(transaction, pepper, { ...old, created_at: now, retires_at: null });
        return { ...issued, oldKeyExpiresAt };
      }),

    revoke: (keyId) =>
      store.transaction(async (transaction) => {
        const key = await findLocked(transaction, keyId);
        const revokedAt = key.revoked_at ?? clock.now();
        await transaction.updateTable('api_key').set({ revoked_at: revokedAt }).where('key_id', '=', keyId).execute();
      }),
  };
}

async function issue(
  transaction: Transaction<Schema>,
  pepper: string,
  row: Omit<ApiKeyTable, 'key_id' | 'secret_digest' | 'last_four'>,
): Promise<IssuedKey> {
  const { keyId, secret, text } = newKeyText(row.kind);
  await transaction
    .insertInto('api_key')
    .values({ ...row, key_id: keyId, secret_digest: secretDigest(pepper, secret), last_four: text.slice(-4) })
    .execute();
  return { keyId, key: text };
}

function changedColumns(changes: KeyChanges): Partial<ApiKeyTable> {
  const { name, expiresAt, requestsPerMinute, concurrency, allowedModels, allowedAddresses } = changes;
  return {
    ...(name === undefined ? {} : { name }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(requestsPerMinute === undefined ? {} : { requests_per_minute: requestsPerMinute }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(allowedModels === undefined ? {} : { allowed_models: toStoredList(allowedModels) }),
    ...(allowedAddresses === undefined ? {} : { allowed_addresses: toStoredList(allowedAddresses) }),
  };
}

async function addTerms(
  transaction: Transaction<Schema>,
  capGroupId: string,
  validFrom: number,
  tiers: readonly Tier[],
): Promise<void> {
  const last = await transaction
    .selectFrom('key_terms')
    .select('version')
    .where('cap_group_id', '=', capGroupId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const version = (last?.version ?? 0) + 1;
  await transaction
    .insertInto('key_terms')
    .values({ cap_group_id: capGroupId, version, valid_from: validFrom, tiers: formatTiers(tiers) })
    .execute();
}

/** How a list of strings is stored; null stays null. */
function toStoredList(list: readonly string[] | null): string | null {
  return list === null ? null : JSON.stringify(list);
}

export function readStoredList(text: string | null): readonly string[] | null {
  return text === null ? null : (JSON.parse(text) as string[]);
}

async function list(db: Db, accountId: string | null): Promise<Key[]> {
  let query = db
    .selectFrom('api_key')
    .innerJoin('cap_group', 'cap_group.cap_group_id', 'api_key.cap_group_id')
    .leftJoin('key_terms', (join) =>
      join.onRef('key_terms.cap_group_id', '=', 'api_key.cap_group_id').on('key_terms.version', '=', (on) =>
        on
          .selectFrom('key_terms as latest')
          .select((select) => select.fn.max('latest.version').as('version'))
          .whereRef('latest.cap_group_id', '=', 'api_key.cap_group_id'),
      ),
    )
    .selectAll('api_key')
    .select(['cap_group.cap_nano_usd', 'key_terms.tiers'])
    .orderBy('api_key.created_at')
    .orderBy('api_key.key_id');
  if (accountId !== null) query = query.where('api_key.account_id', '=', accountId);
  const rows = await query.execute();
  return rows.map((row) => ({
    keyId: row.key_id,
    accountId: row.account_id,
    kind: row.kind,
    name: row.name,
    capNanoUsd: row.cap_nano_usd,
    expiresAt: row.expires_at,
    requestsPerMinute: row.requests_per_minute,
    concurrency: row.concurrency,
    allowedModels: readStoredList(row.allowed_models),
    allowedAddresses: readStoredList(row.allowed_addresses),
    tiers: parseTiers(row.tiers ?? '') ?? [],
    lastFour: row.last_four,
    createdAt: row.created_at,
    retiresAt: row.retires_at,
    revokedAt: row.revoked_at,
  }));
}

/** The key as it stands, while no hold is made with it; `not_found` for an unknown one. */
async function findLocked(transaction: Transaction<Schema>, keyId: string): Promise<ApiKeyTable> {
  const key = transaction.selectFrom('api_key').selectAll().where('key_id', '=', keyId);
  const found = await key.executeTakeFirst();
  if (found === undefined) throw new AppError('not_found', { message: 'There is no key with this id.' });
  await lockAccount(transaction, found.account_id);
  return key.executeTakeFirstOrThrow();
}

function assertFuture(expiresAt: number | null, clock: Clock): void {
  if (expiresAt === null || expiresAt > clock.now()) return;
  throw new AppError('invalid_parameter', {
    message: 'The end of a key must lie in the future. To end one at once, revoke it.',
  });
}

async function assertAccount(transaction: Transaction<Schema>, accountId: string): Promise<void> {
  const row = await transaction
    .selectFrom('account')
    .select('account_id')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', { message: 'There is no account with this id.' });
}
