import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Azure's host answers here with credentials of the machine, although the address lies in a public block. */
const AZURE_HOST = '168.63.129.16';

/** The one block that IANA gives out for the public Internet; what ipaddr.js calls unicast reaches further. */
const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Whether the text is an IP address of the public Internet. Names, zones and odd spellings are not. */
export function isPublicAddress(text: string): boolean {
  // `isIP` takes only the plain spelling, while ipaddr.js also reads octal, hexadecimal and short ones.
  if (isIP(text) === 0 || text.includes('%')) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv6 ? address.match(GLOBAL_UNICAST_IPV6) : address.toString() !== AZURE_HOST;
}

/** Whether two spellings mean the same address. */
export function isSameAddress(one: string, other: string): boolean {
  return ipaddr.parse(one).toNormalizedString() === ipaddr.parse(other).toNormalizedString();
}
