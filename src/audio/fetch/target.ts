import { isIP } from 'node:net';
import { isPublicAddress } from './address.ts';
import type { AllowList } from './allow-list.ts';
import { FetchError } from './fetch-error.ts';

/** A URL that may be tried: everything that can be judged without the network has been. */
export interface Target {
  readonly url: URL;
  /** A name or an address, without brackets and without a final dot. */
  readonly host: string;
  readonly isAddress: boolean;
  readonly port: number;
  /** Listed by the operator: its address need not be public. */
  readonly isAllowListed: boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Names, and all below them, that mean a machine or a network of their own wherever they are asked for, and the names
 * under which clouds hand out credentials.
 */
const PRIVATE_NAMES = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'home.arpa',
  'lan',
  'svc',
  'onion',
  'test',
  'invalid',
  'metadata.goog',
  'metadata.azure.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'metadata.tencentyun.com',
];

/** Judges a URL by itself; `base` is where a redirect came from. */
export function checkUrl(text: string, allowList: AllowList, charactersMax: number, base?: URL): Target {
  if (text.length > charactersMax) throw new FetchError('url_invalid', 'The URL is too long.');
  // The parser drops these silently, so that what another reader saw and what is fetched could differ.
  if (/[\t\n\r]/.test(text)) throw new FetchError('url_not_allowed', 'The URL holds a tab or a line break.');
  if (!URL.canParse(text, base?.href)) throw new FetchError('url_invalid', 'The URL cannot be parsed.');
  const url = new URL(text, base);
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) throw new FetchError('url_not_allowed', 'The scheme is neither http nor https.');
  if (url.username !== '' || url.password !== '')
    throw new FetchError('url_not_allowed', 'The URL holds a user or a password.');

  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const isAddress = isIP(host) !== 0;
  const port = url.port === '' ? defaultPort : Number(url.port);
  const isAllowListed = allowList.has(url.hostname, port);
  if (!isAllowListed) {
    if (port !== defaultPort) throw new FetchError('url_not_allowed', `The port ${port} is not the scheme's own.`);
    if (isAddress ? !isPublicAddress(host) : !isPublicName(host))
      throw new FetchError('url_not_allowed', 'The host is not public.');
  }
  return { url, host, isAddress, port, isAllowListed };
}

function isPublicName(name: string): boolean {
  const labels = name.split('.');
  if (labels.length < 2 || !labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label))) return false;
  return !PRIVATE_NAMES.some((ending) => name === ending || name.endsWith(`.${ending}`));
}
