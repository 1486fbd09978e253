import { createAddressList } from '../core/address-list.ts';

/** Who is at the other end: the peer, or whom a trusted proxy names. */
export interface ClientAddress {
  /** Canonical text form of the address. */
  readonly address: string;
  /** Whether the client itself is on this machine. A request that an unknown proxy forwarded never is. */
  readonly loopback: boolean;
}

export type ReadClientAddress = (peer: string | undefined, forwardedFor: string | null) => ClientAddress;

/**
 * `X-Forwarded-For` is believed only from the proxies that are named in the configuration, and read from its right end:
 * what stands left of the first address that is no proxy was written by the client itself.
 */
export function createReadClientAddress(trustedProxies: readonly string[]): ReadClientAddress {
  const trusted = createAddressList(trustedProxies);
  const loopback = createAddressList(['127.0.0.0/8', '::1']);
  return (peer, forwardedFor) => {
    const hops = (forwardedFor ?? '')
      .split(',')
      .map((part) => plain(part.trim()))
      .filter((part) => part !== '');
    let address = plain(peer ?? '');
    if (!trusted.contains(address)) return { address, loopback: hops.length === 0 && loopback.contains(address) };
    while (hops.length > 0 && trusted.contains(address)) address = hops.pop() ?? '';
    return { address, loopback: loopback.contains(address) };
  };
}

/** IPv4 that arrived over an IPv6 socket is IPv4. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
