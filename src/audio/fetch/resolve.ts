import { lookup, Resolver } from 'node:dns/promises';

/**
 * Gives all addresses of a name, and stops when the signal aborts. Rejects where there are none.
 *
 * - `public`: a name that a caller sent. Only DNS is asked, and only for exactly this name.
 * - `own`: a name that the operator listed, found in every way in which the machine itself finds it.
 */
export type Resolve = (name: string, scope: 'public' | 'own', signal: AbortSignal) => Promise<readonly string[]>;

const QUERY_TIMEOUT_MS = 800;
const QUERY_TRIES = 2;

/** @param servers Addresses of DNS servers; the system's where left out. */
export function createResolver(servers?: readonly string[]): Resolve {
  return async (name, scope, signal) => {
    if (scope === 'own') return (await lookup(name, { all: true })).map(({ address }) => address);
    // Not `lookup`: it waits in the thread pool that all file access shares, cannot be stopped, and would let a slow
    // DNS server of a caller's choice hold both.
    const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
    if (servers !== undefined) resolver.setServers(servers);
    return query(resolver, name, signal);
  };
}

async function query(resolver: Resolver, name: string, signal: AbortSignal): Promise<readonly string[]> {
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    // The final dot keeps search domains out. IPv4 comes first, since it works from more servers.
    const answers = await Promise.allSettled([resolver.resolve4(`${name}.`), resolver.resolve6(`${name}.`)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const [first] = answers;
    if (addresses.length === 0 && first.status === 'rejected') throw first.reason;
    return addresses;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
