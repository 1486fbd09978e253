import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * What is stored instead of a secret. A slow hash would add nothing to 190 random bits; the pepper makes a stolen
 * database useless by itself.
 */
export function secretDigest(pepper: string, secret: string): string {
  return createHmac('sha256', pepper).update(secret).digest('hex');
}

/** Compares in constant time; both are digests in hexadecimal. */
export function sameDigest(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'));
}
