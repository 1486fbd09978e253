/** The text of a key: `esw_` or `esc_`, 12 characters of public id, `_`, 32 of secret, 6 of checksum, all Base62. */
import { crc32 } from 'node:zlib';
import type { KeyKind } from '../core/caller.ts';
import { randomBase62, toBase62 } from '../core/ids.ts';

const PREFIXES = { wholesale: 'esw', console: 'esc' } as const satisfies Record<KeyKind, string>;
const SHAPE = /^(esw|esc)_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;
const CHECKSUM_LENGTH = 6;

export interface KeyParts {
  readonly kind: KeyKind;
  /** The identity of the key's row, `key_` and the public id: fine to show and to log. */
  readonly keyId: string;
  readonly secret: string;
}

export interface NewKeyText extends KeyParts {
  /** The whole key: shown once, never stored. */
  readonly text: string;
}

export function newKeyText(kind: KeyKind): NewKeyText {
  const publicId = randomBase62(12);
  const secret = randomBase62(32);
  const body = `${PREFIXES[kind]}_${publicId}_${secret}`;
  return { kind, keyId: keyIdOf(publicId), secret, text: body + checksum(body) };
}

/** Null for a text that is no key: a wrong checksum finds typing errors and junk without a look into the database. */
export function parseKeyText(text: string): KeyParts | null {
  const [, prefix, publicId = '', secret = '', sum] = SHAPE.exec(text) ?? [];
  if (prefix === undefined || sum !== checksum(text.slice(0, -CHECKSUM_LENGTH))) return null;
  return { kind: prefix === PREFIXES.wholesale ? 'wholesale' : 'console', keyId: keyIdOf(publicId), secret };
}

function keyIdOf(publicId: string): string {
  return `key_${publicId}`;
}

function checksum(body: string): string {
  return toBase62(crc32(body), CHECKSUM_LENGTH);
}
