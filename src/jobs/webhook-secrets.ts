/**
 * What webhooks are signed with. A signature needs the secret itself, so that a digest, as of keys, is not enough: secrets
 * are encrypted with a key made from the pepper, and a stolen database alone signs nothing.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Schema, WebhookSecretTable } from '../store/schema.ts';
import type { Db, Store } from '../store/store.ts';
import { secretText } from './webhook-signature.ts';

export interface ShownSecret {
  readonly accountId: string;
  /** The only time that it can be seen. */
  readonly secret: string;
  /** Until when the secret before it signs too; null where there is none. */
  readonly oldSecretExpiresAt: number | null;
}

export interface WebhookSecrets {
  /** Shows the secret once. Throws `conflict` where it has been seen, and `not_found` for an unknown account. */
  show(accountId: string): Promise<ShownSecret>;
  /** Makes a new secret and shows it; the one before signs too for a day. */
  rotate(accountId: string): Promise<ShownSecret>;
  /** All that sign now, the newest first; makes the first one where the account has none, for its owner to see later. */
  keysOf(accountId: string): Promise<Buffer[]>;
}

export interface WebhookSecretsOptions {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  readonly pepper: string;
}

export const ROTATION_MS = 24 * 3_600_000;

export function createWebhookSecrets({ store, clock, pepper }: WebhookSecretsOptions): WebhookSecrets {
  const seal = createSeal(pepper);

  const addVersion = async (db: Transaction<Schema>, accountId: string, version: number, isShown: boolean) => {
    const now = clock.now();
    const key = randomBytes(32);
    await db
      .insertInto('webhook_secret')
      .values({
        account_id: accountId,
        version,
        sealed: seal.close(accountId, key),
        created_at: now,
        shown_at: isShown ? now : null,
        retires_at: null,
      })
      .execute();
    return key;
  };

  return {
    show: (accountId) =>
      store.transaction(async (db) => {
        await lockAccount(db, accountId);
        const [newest, before] = await liveSecrets(db, accountId, clock.now());
        if (newest !== undefined && newest.shown_at !== null) throw alreadyShown();
        const key =
          newest === undefined ? await addVersion(db, accountId, 1, true) : seal.open(accountId, newest.sealed);
        if (newest !== undefined) {
          await db
            .updateTable('webhook_secret')
            .set({ shown_at: clock.now() })
            .where('account_id', '=', accountId)
            .where('version', '=', newest.version)
            .execute();
        }
        return { accountId, secret: secretText(key), oldSecretExpiresAt: before?.retires_at ?? null };
      }),

    rotate: (accountId) =>
      store.transaction(async (db) => {
        await lockAccount(db, accountId);
        const [newest] = await liveSecrets(db, accountId, clock.now());
        const retiresAt = clock.now() + ROTATION_MS;
        await db
          .updateTable('webhook_secret')
          .set({ retires_at: retiresAt })
          .where('account_id', '=', accountId)
          .where('retires_at', 'is', null)
          .execute();
        const key = await addVersion(db, accountId, (newest?.version ?? 0) + 1, true);
        return {
          accountId,
          secret: secretText(key),
          oldSecretExpiresAt: newest === undefined ? null : retiresAt,
        };
      }),

    async keysOf(accountId) {
      const found = await liveSecrets(store.db, accountId, clock.now());
      if (found.length > 0) return found.map(({ sealed }) => seal.open(accountId, sealed));
      return store.transaction(async (db) => {
        await lockAccount(db, accountId);
        const made = await liveSecrets(db, accountId, clock.now());
        if (made.length > 0) return made.map(({ sealed }) => seal.open(accountId, sealed));
        return [await addVersion(db, accountId, 1, false)];
      });
    },
  };
}

/** The newest first. The newest never retires, so there is one as soon as there has been any. */
function liveSecrets(db: Db, accountId: string, now: number): Promise<WebhookSecretTable[]> {
  return db
    .selectFrom('webhook_secret')
    .selectAll()
    .where('account_id', '=', accountId)
    .where((on) => on.or([on('retires_at', 'is', null), on('retires_at', '>', now)]))
    .orderBy('version', 'desc')
    .execute();
}

/** Changes nothing but who may: of two that make a secret at once, the second sees what the first has made. */
async function lockAccount(db: Transaction<Schema>, accountId: string): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('account')
    .set((row) => ({ name: row.ref('name') }))
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new AppError('not_found', { message: 'There is no account with this id.' });
}

function alreadyShown(): AppError {
  const message = 'The secret of this account has been shown already. Make a new one with --rotate.';
  return new AppError('conflict', { message });
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts secrets, each bound to its account: the row of one account does not work for another. */
function createSeal(pepper: string) {
  const sealingKey = Buffer.from(hkdfSync('sha256', pepper, '', 'earshot webhook secrets', 32));
  return {
    close(accountId: string, secret: Buffer): string {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, sealingKey, nonce).setAAD(Buffer.from(accountId));
      const text = Buffer.concat([cipher.update(secret), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
    },
    open(accountId: string, sealed: string): Buffer {
      const bytes = Buffer.from(sealed, 'base64');
      const decipher = createDecipheriv(CIPHER, sealingKey, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(accountId))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    },
  };
}
