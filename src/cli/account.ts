import type { Account, Accounts } from '../access/accounts.ts';
import type { Balances } from '../billing/balances.ts';
import { formatUsd } from '../core/money.ts';
import { formatTiers } from '../core/tiers.ts';
import { CommandError, EXIT, JSON_OPTION, printResult, UsageError, type Command, type Option } from './command.ts';
import { readBps, readOrNone, readTiers, readUsd } from './read-values.ts';

export interface AccountBooks extends AsyncDisposable {
  readonly accounts: Accounts;
  readonly balances: Balances;
}

const CONTRACT_OPTIONS: Readonly<Record<string, Option>> = {
  'discount-bps': { value: 'N', help: 'discount in basis points, 0 to 10000' },
  tiers: { value: 'USD:BPS,…', help: 'above that much list spend in a calendar month (UTC) the discount is BPS' },
};

const NAME_CHARACTERS_MAX = 200;

export function accountCommands(open: () => Promise<AccountBooks>): Command[] {
  return [create(open), set(open), credit(open), list(open)];
}

function create(open: () => Promise<AccountBooks>): Command {
  return {
    name: 'account create',
    summary: 'Makes an account: a customer that keys belong to.',
    options: {
      name: { value: 'NAME', help: 'its name', required: true },
      ...CONTRACT_OPTIONS,
      'balance-usd': { value: 'X', help: 'makes it prepaid with this balance; default not prepaid' },
      json: JSON_OPTION,
    },
    example: 'earshot account create --name "Acme Ltd" --discount-bps 500 --tiers 1000:800,10000:1200',
    async run(input, terminal) {
      const name = checkName(input.required('name'));
      const contract = { discountBps: readBps(input, 'discount-bps') ?? 0, tiers: readTiers(input, 'tiers') ?? [] };
      const balanceNanoUsd = readUsd(input, 'balance-usd');
      await using books = await open();
      const accountId = await books.accounts.create({ name, ...contract });
      if (balanceNanoUsd !== null) await books.balances.setPrepaid(accountId, balanceNanoUsd);
      printResult(input, terminal, { account_id: accountId }, [accountId]);
      return EXIT.ok;
    },
  };
}

function set(open: () => Promise<AccountBooks>): Command {
  return {
    name: 'account set',
    summary: 'Changes an account; new discounts count for calls that begin afterwards.',
    positional: 'ACCOUNT_ID',
    options: {
      name: { value: 'NAME', help: 'its name' },
      ...CONTRACT_OPTIONS,
      'balance-usd': {
        value: 'X',
        help: 'makes it prepaid, and credits or debits what brings its balance to X; "none" ends prepayment',
      },
      json: JSON_OPTION,
    },
    example: 'earshot account set acc_… --tiers 1000:500,10000:1200',
    async run(input, terminal) {
      const accountId = input.positionals[0] ?? '';
      const name = input.option('name');
      const discountBps = readBps(input, 'discount-bps');
      const tiers = readTiers(input, 'tiers');
      const balanceNanoUsd = readOrNone(input, 'balance-usd', readUsd);
      const changes = {
        ...(name === undefined ? {} : { name: checkName(name) }),
        ...(discountBps === null ? {} : { discountBps }),
        ...(tiers === null ? {} : { tiers }),
      };
      if (Object.keys(changes).length === 0 && balanceNanoUsd === undefined) {
        throw new UsageError('There is nothing to change: give at least one option.');
      }
      await using books = await open();
      await books.accounts.set(accountId, changes);
      if (balanceNanoUsd !== undefined) await books.balances.setPrepaid(accountId, balanceNanoUsd);
      const account = (await books.accounts.list()).find((one) => one.accountId === accountId);
      if (account !== undefined) printResult(input, terminal, accountRow(account), [accountLine(account)]);
      return EXIT.ok;
    },
  };
}

function credit(open: () => Promise<AccountBooks>): Command {
  return {
    name: 'account credit',
    summary: 'Adds to the balance of an account, as a row of the ledger.',
    positional: 'ACCOUNT_ID',
    options: {
      usd: { value: 'X', help: 'the amount in US dollars', required: true },
      note: { value: 'S', help: 'what it is for', required: true },
      json: JSON_OPTION,
    },
    example: 'earshot account credit acc_… --usd 100 --note "invoice 2026-07"',
    async run(input, terminal) {
      const accountId = input.positionals[0] ?? '';
      const amountNanoUsd = readUsd(input, 'usd') ?? 0n;
      if (amountNanoUsd === 0n) throw new UsageError('--usd must be more than 0.');
      await using books = await open();
      const { balanceNanoUsd, prepaid } = await books.balances.credit(accountId, amountNanoUsd, input.required('note'));
      const balance = formatUsd(balanceNanoUsd);
      printResult(input, terminal, { account_id: accountId, balance_usd: balance, prepaid }, [
        `The balance is $${balance}${prepaid ? '' : '; the account is not prepaid, so it limits no call'}.`,
      ]);
      return EXIT.ok;
    },
  };
}

function list(open: () => Promise<AccountBooks>): Command {
  return {
    name: 'account list',
    summary: 'Lists the accounts, the oldest first.',
    options: { json: JSON_OPTION },
    example: 'earshot account list --json',
    async run(input, terminal) {
      await using books = await open();
      const accounts = await books.accounts.list();
      const lines = accounts.map(accountLine);
      printResult(
        input,
        terminal,
        { data: accounts.map(accountRow) },
        lines.length === 0 ? ['There are no accounts yet.'] : lines,
      );
      return EXIT.ok;
    },
  };
}

function checkName(text: string): string {
  const name = text.trim();
  if (name.length >= 1 && name.length <= NAME_CHARACTERS_MAX) return name;
  throw new CommandError(`The name must have 1 to ${NAME_CHARACTERS_MAX} characters.`);
}

function accountRow(account: Account): Record<string, unknown> {
  return {
    account_id: account.accountId,
    name: account.name,
    created_at: new Date(account.createdAt).toISOString(),
    contract_version: account.contractVersion,
    discount_bps: account.discountBps,
    tiers: formatTiers(account.tiers),
    prepaid: account.prepaid,
    balance_usd: formatUsd(account.balanceNanoUsd),
  };
}

function accountLine(account: Account): string {
  return [
    account.accountId,
    new Date(account.createdAt).toISOString(),
    account.prepaid ? `prepaid $${formatUsd(account.balanceNanoUsd)}` : 'not prepaid',
    `discount ${account.discountBps} bps${account.tiers.length === 0 ? '' : `, tiers ${formatTiers(account.tiers)}`}`,
    account.name,
  ].join('  ');
}
