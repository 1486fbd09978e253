/** The operator's own places, each exactly one host on one port. */
export interface AllowList {
  /** `hostname` as the URL parser writes it: lower case, IPv6 in brackets. */
  has(hostname: string, port: number): boolean;
}

/** Reads `host:port` entries; throws a plain `Error` that names the first wrong one. */
export function parseAllowList(entries: readonly string[]): AllowList {
  const places = new Set(entries.map(parseEntry));
  return { has: (hostname, port) => places.has(`${hostname}:${port}`) };
}

function parseEntry(entry: string): string {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@\\[\]]+):([1-9]\d{0,4})$/i.exec(entry.trim()) ?? [];
  // The URL parser writes the host, so that entries and URLs are compared in one spelling.
  if (!URL.canParse(`http://${host}/`) || Number(port) > 65_535)
    throw new Error(`"${entry}" is not host:port, such as audio.example.com:8443 or [fd00::1]:80.`);
  return `${new URL(`http://${host}/`).hostname}:${port}`;
}
