/** Signatures of Standard Webhooks 1.0: over id, time and body, so that none of them can be changed or sent again later. */
import { createHmac } from 'node:crypto';

export interface Signed {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  readonly body: string;
}

const SECRET_PREFIX = 'whsec_';

/** The text of a secret, as its owner sees it. */
export function secretText(key: Buffer): string {
  return SECRET_PREFIX + key.toString('base64');
}

/** @param keys one signature is made with each: during a rotation both the new and the old key are good. */
export function signatureHeaders({ id, sentAt, body }: Signed, keys: readonly Buffer[]): Record<string, string> {
  const timestamp = String(Math.floor(sentAt / 1_000));
  const sign = (key: Buffer): string =>
    `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': keys.map(sign).join(' ') };
}
