import { BlockList, isIP } from 'node:net';

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
  const trusted = blockList(trustedProxies);
  const loopback = blockList(['127.0.0.0/8', '::1']);
  return (peer, forwardedFor) => {
    const hops = (forwardedFor ?? '')
      .split(',')
      .map((part) => plain(part.trim()))
      .filter((part) => part !== '');
    let address = plain(peer ?? '');
    if (!contains(trusted, address)) return { address, loopback: hops.length === 0 && contains(loopback, address) };
    while (hops.length > 0 && contains(trusted, address)) address = hops.pop() ?? '';
    return { address, loopback: contains(loopback, address) };
  };
}

function blockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** IPv4 that arrived over an IPv6 socket is IPv4. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
