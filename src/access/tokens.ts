/** Secrets of 256 random bits that a browser or a link carries; only their digests are stored. */
import { createHash, randomBytes } from 'node:crypto';

export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Nobody guesses 256 random bits, so that a fast digest is enough, and its row is found by it. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
