import type { CreatedUser, Users } from '../access/users.ts';
import {
  EXIT,
  JSON_OPTION,
  printResult,
  UsageError,
  type Command,
  type CommandInput,
  type Terminal,
} from './command.ts';
import { readChoice } from './read-values.ts';

export interface UserBooks extends AsyncDisposable {
  readonly users: Users;
}

const ROLES = ['operator', 'owner', 'viewer'] as const;
const EMAIL_CHARACTERS_MAX = 254;

/** @param linkOf the page where a one-time token is used. */
export function userCommands(open: () => Promise<UserBooks>, linkOf: (token: string) => string): Command[] {
  return [create(open, linkOf), link(open, linkOf), remove(open)];
}

const EMAIL_OPTION = { value: 'E', help: 'their e-mail address', required: true } as const;

function create(open: () => Promise<UserBooks>, linkOf: (token: string) => string): Command {
  return {
    name: 'user create',
    summary: 'Makes a user of the dashboard and prints a link, which works once, by which they choose a password.',
    options: {
      email: { value: 'E', help: 'their e-mail address, which they log in with', required: true },
      role: {
        value: 'ROLE',
        help: 'operator (everything), owner (their account) or viewer (reads their account)',
        required: true,
        choices: ROLES,
      },
      account: { value: 'ID', help: 'the account that they belong to; for all but operators' },
      json: JSON_OPTION,
    },
    example: 'earshot user create --email ann@example.com --role owner --account acc_…',
    async run(input, terminal) {
      const email = readEmail(input.required('email'));
      const role = readChoice(input, 'role', ROLES);
      const accountId = input.option('account') ?? null;
      if (role === 'operator' && accountId !== null)
        throw new UsageError('--account is not for operators: they see every account.');
      if (role !== 'operator' && accountId === null)
        throw new UsageError(`--account ID is missing: a user who is ${role} belongs to an account.`);
      await using books = await open();
      const made: CreatedUser = await books.users.create({ email, role, accountId });
      printLink(input, terminal, { ...made, email, link: linkOf(made.token) });
      return EXIT.ok;
    },
  };
}

function link(open: () => Promise<UserBooks>, linkOf: (token: string) => string): Command {
  return {
    name: 'user link',
    summary: 'Prints another link for a user who has lost the password; it ends the links before it.',
    options: { email: EMAIL_OPTION, json: JSON_OPTION },
    example: 'earshot user link --email ann@example.com',
    async run(input, terminal) {
      const email = readEmail(input.required('email'));
      await using books = await open();
      const { userId } = await books.users.find(email);
      const made = await books.users.newLink(userId);
      printLink(input, terminal, { ...made, userId, email, link: linkOf(made.token) });
      return EXIT.ok;
    },
  };
}

function remove(open: () => Promise<UserBooks>): Command {
  return {
    name: 'user remove',
    summary: 'Removes a user of the dashboard: their sessions and links end at once. The keys of their account go on.',
    options: { email: EMAIL_OPTION, json: JSON_OPTION },
    example: 'earshot user remove --email ann@example.com',
    async run(input, terminal) {
      const email = readEmail(input.required('email'));
      await using books = await open();
      const { userId } = await books.users.find(email);
      await books.users.remove(userId);
      printResult(input, terminal, { user_id: userId, removed: true }, [`${email} can no longer log in.`]);
      return EXIT.ok;
    },
  };
}

interface PrintedLink {
  readonly userId: string;
  readonly email: string;
  readonly link: string;
  readonly expiresAt: number;
}

function printLink(
  input: CommandInput,
  terminal: Terminal,
  { userId, email, link: text, expiresAt }: PrintedLink,
): void {
  const expires = new Date(expiresAt).toISOString();
  printResult(input, terminal, { user_id: userId, link: text, expires_at: expires }, [
    text,
    `It works once, until ${expires}. Give it to ${email} and to nobody else.`,
  ]);
}

function readEmail(text: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(text) && text.length <= EMAIL_CHARACTERS_MAX) return text;
  throw new UsageError('--email must be an e-mail address such as ann@example.com.');
}
