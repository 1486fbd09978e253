import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { isPublicAddress, isSameAddress } from './address.ts';
import type { Connect } from './connect.ts';
import { within } from './deadline.ts';
import { FetchError, networkError } from './fetch-error.ts';
import type { FetchLimits } from './limits.ts';
import type { Resolve } from './resolve.ts';
import type { Target } from './target.ts';

export interface Dialer {
  readonly resolve: Resolve;
  readonly connect: Connect;
  readonly limits: FetchLimits;
  /** PEM certificates that are trusted in place of the system's. */
  readonly trustedCertificates: string | undefined;
}

/**
 * Connects to a target at an address that was checked, with TLS for https. Resolves to a socket ready for a request.
 * Whatever was opened is closed when the signal aborts, now or later.
 */
export async function dial(dialer: Dialer, target: Target, signal: AbortSignal): Promise<Socket> {
  const addresses = await findAddresses(dialer, target, signal);
  const connect: Connect = async (address, port, stage) => {
    const socket = await dialer.connect(address, port, stage);
    // Whoever uses a socket hears of its failures in other ways; without a listener they would end the process.
    socket.on('error', () => {});
    return addAbortSignal(signal, socket);
  };
  const { connectMs } = dialer.limits;
  return within(signal, 'connect', connectMs, async (stage) => {
    const socket = await connectToOneOf(connect, target, addresses, connectMs / addresses.length, stage);
    return target.url.protocol === 'https:' ? secure(socket, target, dialer.trustedCertificates, stage) : socket;
  });
}

async function findAddresses(dialer: Dialer, target: Target, signal: AbortSignal): Promise<readonly string[]> {
  if (target.isAddress) return [target.host];
  const scope = target.isAllowListed ? 'own' : 'public';
  const addresses = await within(signal, 'resolve', dialer.limits.resolveMs, (stage) =>
    dialer.resolve(target.host, scope, stage),
  ).catch((error: unknown) => {
    throw signal.aborted ? error : networkError('resolve', error);
  });
  if (addresses.length === 0) throw new FetchError('failed', 'resolve: no addresses');
  if (addresses.length > dialer.limits.addressesMax) throw new FetchError('url_not_allowed', 'Too many addresses.');
  // One bad address condemns the name: its owner could choose which of them we meet.
  for (const address of addresses) checkAddress(target, address);
  return addresses;
}

function checkAddress(target: Target, address: string): void {
  if (target.isAllowListed ? isIP(address) === 0 : !isPublicAddress(address))
    throw new FetchError('url_not_allowed', 'The host has an address that is not public.');
}

/** Tries one address after the other, each with its share of the time, so that a dead one doesn't spoil the name. */
async function connectToOneOf(
  connect: Connect,
  target: Target,
  addresses: readonly string[],
  shareMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await within(signal, 'connect', shareMs, (stage) => connectTo(connect, target, address, stage));
    } catch (error) {
      if (signal.aborted || (error instanceof FetchError && error.kind === 'url_not_allowed')) throw error;
      failure = networkError('connect', error);
    }
  }
  throw failure;
}

async function connectTo(connect: Connect, target: Target, address: string, signal: AbortSignal): Promise<Socket> {
  checkAddress(target, address);
  const socket = await connect(address, target.port, signal);
  const reached = socket.remoteAddress;
  if (!signal.aborted && reached !== undefined && isSameAddress(reached, address)) return socket;
  socket.destroy();
  signal.throwIfAborted();
  if (reached === undefined) throw new FetchError('failed', 'connect: closed at once');
  throw new FetchError('url_not_allowed', 'The connection led to another address than the one that was checked.');
}

async function secure(
  socket: Socket,
  target: Target,
  trustedCertificates: string | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const secured = connectTls({
    socket,
    // The name that the certificate must hold. An address may not be sent as a server name.
    host: target.host,
    ...(target.isAddress ? {} : { servername: target.host }),
    // Stated, since the environment can switch it off for the whole process.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(trustedCertificates === undefined ? {} : { ca: trustedCertificates }),
  });
  secured.on('error', () => {});
  try {
    await once(secured, 'secureConnect', { signal });
    return secured;
  } catch (error) {
    throw signal.aborted ? error : networkError('tls', error);
  }
}
