import type { Key, KeyChanges, Keys } from '../access/keys.ts';
import { isAddressRange } from '../core/address-list.ts';
import { formatUsd } from '../core/money.ts';
import { formatTiers } from '../core/tiers.ts';
import { EXIT, JSON_OPTION, printResult, UsageError, type Command, type CommandInput, type Option } from './command.ts';
import {
  readChoice,
  readCount,
  readDurationMs,
  readList,
  readOrNone,
  readTiers,
  readTime,
  readUsd,
} from './read-values.ts';

export interface KeyBooks extends AsyncDisposable {
  readonly keys: Keys;
}

const DAY_MS = 86_400_000;
const REQUESTS_PER_MINUTE_MAX = 1_000_000;
const CONCURRENCY_MAX = 10_000;

export function keyCommands(open: () => Promise<KeyBooks>): Command[] {
  return [create(open), set(open), list(open), rotate(open), revoke(open)];
}

/** What both `key create` and `key set` take. */
const KEY_OPTIONS: Readonly<Record<string, Option>> = {
  name: { value: 'NAME', help: 'a name for lists' },
  'cap-usd': { value: 'X', help: 'hard cap in US dollars for each calendar month (UTC)' },
  tiers: { value: 'USD:BPS,…', help: 'discounts by the list spend of this key, in place of the account’s tiers' },
  rpm: { value: 'N', help: 'requests a minute; default 600' },
  concurrency: { value: 'N', help: 'calls in flight; default 32' },
  models: { value: 'a,b', help: 'the only models that it may use' },
  'allow-ip': { value: 'CIDR,…', help: 'the only addresses that it may be used from' },
  expires: { value: 'TIME', help: 'when it ends' },
};

/** The options that were given; "none" takes a limit away. */
function readKeyOptions(input: CommandInput): KeyChanges {
  const name = input.option('name');
  const tiers = readTiers(input, 'tiers');
  const given = {
    capNanoUsd: readOrNone(input, 'cap-usd', readUsd),
    expiresAt: readOrNone(input, 'expires', readTime),
    requestsPerMinute: readOrNone(input, 'rpm', (from, option) => readCount(from, option, REQUESTS_PER_MINUTE_MAX)),
    concurrency: readOrNone(input, 'concurrency', (from, option) => readCount(from, option, CONCURRENCY_MAX)),
    allowedModels: readOrNone(input, 'models', (from, option) =>
      readList(from, option, (text) => /^[A-Za-z0-9._/-]{1,100}$/.test(text), 'a list of models such as a,b'),
    ),
    allowedAddresses: readOrNone(input, 'allow-ip', (from, option) =>
      readList(from, option, isAddressRange, 'a list of addresses or ranges such as 203.0.113.7,10.0.0.0/8'),
    ),
  };
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as KeyChanges;
  return { ...changes, ...(name === undefined ? {} : { name }), ...(tiers === null ? {} : { tiers }) };
}

function create(open: () => Promise<KeyBooks>): Command {
  return {
    name: 'key create',
    summary: 'Makes a key and shows it: the only time that it can be seen.',
    options: {
      account: { value: 'ID', help: 'the account that it belongs to', required: true },
      kind: { value: 'KIND', help: 'wholesale (transcribes) or console (reads); default wholesale' },
      ...KEY_OPTIONS,
      json: JSON_OPTION,
    },
    example: 'earshot key create --account acc_… --name production --cap-usd 50',
    async run(input, terminal) {
      const key = {
        accountId: input.required('account'),
        kind: readChoice(input, 'kind', ['wholesale', 'console']),
        ...NO_LIMITS,
        ...readKeyOptions(input),
      };
      await using books = await open();
      const issued = await books.keys.create(key);
      printResult(input, terminal, { key_id: issued.keyId, key: issued.key }, [issued.key, SHOWN_ONCE]);
      return EXIT.ok;
    },
  };
}

const NO_LIMITS = {
  name: '',
  capNanoUsd: null,
  expiresAt: null,
  requestsPerMinute: null,
  concurrency: null,
  allowedModels: null,
  allowedAddresses: null,
  tiers: [],
} as const satisfies Required<KeyChanges>;

function set(open: () => Promise<KeyBooks>): Command {
  return {
    name: 'key set',
    summary:
      'Changes a key from its next call on; "none" takes a limit away. Cap and tiers are shared with successors.',
    positional: 'KEY_ID',
    options: { ...KEY_OPTIONS, json: JSON_OPTION },
    example: 'earshot key set key_… --cap-usd 100 --models glm/glm-asr-2512 --allow-ip none',
    async run(input, terminal) {
      const keyId = input.positionals[0] ?? '';
      const changes = readKeyOptions(input);
      if (Object.keys(changes).length === 0) {
        throw new UsageError('There is nothing to change: give at least one option.');
      }
      await using books = await open();
      await books.keys.set(keyId, changes);
      const key = (await books.keys.list(null)).find((one) => one.keyId === keyId);
      if (key !== undefined) printResult(input, terminal, keyRow(key), [keyLine(key)]);
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
      const lines = keys.map(keyLine);
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

function keyLine(key: Key): string {
  return [
    key.keyId,
    key.kind.padEnd(9),
    `…${key.lastFour}`,
    key.capNanoUsd === null ? 'no cap' : `cap $${formatUsd(key.capNanoUsd)} a month`,
    endOf(key) === null ? 'no end' : `until ${endOf(key)}`,
    key.name,
  ].join('  ');
}

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
    models: key.allowedModels,
    allow_ip: key.allowedAddresses,
    tiers: formatTiers(key.tiers),
    created_at: time(key.createdAt),
    expires_at: time(key.expiresAt),
    retires_at: time(key.retiresAt),
    revoked_at: time(key.revokedAt),
  };
}
