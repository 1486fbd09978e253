import type { Key, Keys } from '../access/keys.ts';
import { formatUsd } from '../core/money.ts';
import { EXIT, JSON_OPTION, printResult, type Command } from './command.ts';
import { readChoice, readCount, readDurationMs, readTime, readUsd } from './read-values.ts';

export interface KeyBooks extends AsyncDisposable {
  readonly keys: Keys;
}

const DAY_MS = 86_400_000;
const REQUESTS_PER_MINUTE_MAX = 1_000_000;
const CONCURRENCY_MAX = 10_000;

export function keyCommands(open: () => Promise<KeyBooks>): Command[] {
  return [create(open), list(open), rotate(open), revoke(open)];
}

function create(open: () => Promise<KeyBooks>): Command {
  return {
    name: 'key create',
    summary: 'Makes a key and shows it: the only time that it can be seen.',
    options: {
      account: { value: 'ID', help: 'the account that it belongs to', required: true },
      kind: { value: 'KIND', help: 'wholesale (transcribes) or console (reads); default wholesale' },
      name: { value: 'NAME', help: 'a name for lists' },
      'cap-usd': { value: 'X', help: 'hard cap in US dollars for each calendar month (UTC); default none' },
      rpm: { value: 'N', help: 'requests a minute; default 600' },
      concurrency: { value: 'N', help: 'calls in flight; default 32' },
      expires: { value: 'TIME', help: 'when it ends; default never' },
      json: JSON_OPTION,
    },
    example: 'earshot key create --account acc_… --name production --cap-usd 50',
    async run(input, terminal) {
      const key = {
        accountId: input.required('account'),
        kind: readChoice(input, 'kind', ['wholesale', 'console']),
        name: input.option('name') ?? '',
        capNanoUsd: readUsd(input, 'cap-usd'),
        expiresAt: readTime(input, 'expires'),
        requestsPerMinute: readCount(input, 'rpm', REQUESTS_PER_MINUTE_MAX),
        concurrency: readCount(input, 'concurrency', CONCURRENCY_MAX),
      };
      await using books = await open();
      const issued = await books.keys.create(key);
      printResult(input, terminal, { key_id: issued.keyId, key: issued.key }, [issued.key, SHOWN_ONCE]);
      return EXIT.ok;
    },
  };
}

function list(open: () => Promise<KeyBooks>): Command {
  return {
    name: 'key list',
    summary: 'Lists keys without their secrets, the oldest first.',
    options: { account: { value: 'ID', help: 'of this account only' }, json: JSON_OPTION },
    example: 'earshot key list --account acc_…',
    async run(input, terminal) {
      await using books = await open();
      const keys = await books.keys.list(input.option('account') ?? null);
      const lines = keys.map((key) =>
        [
          key.keyId,
          key.kind.padEnd(9),
          `…${key.lastFour}`,
          key.capNanoUsd === null ? 'no cap' : `cap $${formatUsd(key.capNanoUsd)} a month`,
          endOf(key) === null ? 'no end' : `until ${endOf(key)}`,
          key.name,
        ].join('  '),
      );
      printResult(input, terminal, { data: keys.map(keyRow) }, lines.length === 0 ? ['There are no keys yet.'] : lines);
      return EXIT.ok;
    },
  };
}

function rotate(open: () => Promise<KeyBooks>): Command {
  return {
    name: 'key rotate',
    summary: 'Makes a successor that shares the cap; the old key goes on working for the grace time.',
    positional: 'KEY_ID',
    options: {
      grace: { value: 'TIME', help: 'how long the old key still works, such as 24h (the default) or 0s' },
      json: JSON_OPTION,
    },
    example: 'earshot key rotate key_… --grace 24h',
    async run(input, terminal) {
      const graceMs = readDurationMs(input, 'grace') ?? DAY_MS;
      await using books = await open();
      const issued = await books.keys.rotate(input.positionals[0] ?? '', graceMs);
      const ends = new Date(issued.oldKeyExpiresAt).toISOString();
      printResult(input, terminal, { key_id: issued.keyId, key: issued.key, old_key_expires_at: ends }, [
        issued.key,
        SHOWN_ONCE,
        `The old key works until ${ends}.`,
      ]);
      return EXIT.ok;
    },
  };
}

function revoke(open: () => Promise<KeyBooks>): Command {
  return {
    name: 'key revoke',
    summary: 'Ends a key: from now on it starts no call.',
    positional: 'KEY_ID',
    options: { json: JSON_OPTION },
    example: 'earshot key revoke key_…',
    async run(input, terminal) {
      const keyId = input.positionals[0] ?? '';
      await using books = await open();
      await books.keys.revoke(keyId);
      printResult(input, terminal, { key_id: keyId, revoked: true }, [`${keyId} is revoked.`]);
      return EXIT.ok;
    },
  };
}

const SHOWN_ONCE = 'Keep it now: it is not stored and cannot be shown again.';

function endOf(key: Key): string | null {
  const end = Math.min(key.revokedAt ?? Infinity, key.retiresAt ?? Infinity, key.expiresAt ?? Infinity);
  return end === Infinity ? null : new Date(end).toISOString();
}

function keyRow(key: Key): Record<string, unknown> {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    key_id: key.keyId,
    account_id: key.accountId,
    kind: key.kind,
    name: key.name,
    last_four: key.lastFour,
    cap_usd: key.capNanoUsd === null ? null : formatUsd(key.capNanoUsd),
    requests_per_minute: key.requestsPerMinute,
    concurrency: key.concurrency,
    created_at: time(key.createdAt),
    expires_at: time(key.expiresAt),
    retires_at: time(key.retiresAt),
    revoked_at: time(key.revokedAt),
  };
}
