import type { CreatedUser, Users } from '../access/users.ts';
import { EXIT, JSON_OPTION, printResult, UsageError, type Command } from './command.ts';
import { readChoice } from './read-values.ts';

export interface UserBooks extends AsyncDisposable {
  readonly users: Users;
}

const ROLES = ['operator', 'owner', 'viewer'] as const;
const EMAIL_CHARACTERS_MAX = 254;

/** @param linkOf the page where a one-time token is used. */
export function userCommands(open: () => Promise<UserBooks>, linkOf: (token: string) => string): Command[] {
  return [create(open, linkOf)];
}

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
      const link = linkOf(made.token);
      const expires = new Date(made.expiresAt).toISOString();
      printResult(input, terminal, { user_id: made.userId, link, expires_at: expires }, [
        link,
        `It works once, until ${expires}. Give it to ${email} and to nobody else.`,
      ]);
      return EXIT.ok;
    },
  };
}

function readEmail(text: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(text) && text.length <= EMAIL_CHARACTERS_MAX) return text;
  throw new UsageError('--email must be an e-mail address such as ann@example.com.');
}
