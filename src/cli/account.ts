import type { Accounts } from '../access/accounts.ts';
import { CommandError, EXIT, JSON_OPTION, printResult, type Command } from './command.ts';

export interface AccountBooks extends AsyncDisposable {
  readonly accounts: Accounts;
}

export function accountCommands(open: () => Promise<AccountBooks>): Command[] {
  return [
    {
      name: 'account create',
      summary: 'Makes an account: a customer that keys belong to.',
      options: { name: { value: 'NAME', help: 'its name', required: true }, json: JSON_OPTION },
      example: 'earshot account create --name "Acme Ltd"',
      async run(input, terminal) {
        const name = input.required('name').trim();
        if (name.length < 1 || name.length > 200) throw new CommandError('The name must have 1 to 200 characters.');
        await using books = await open();
        const { accountId } = await books.accounts.create(name);
        printResult(input, terminal, { account_id: accountId }, [accountId]);
        return EXIT.ok;
      },
    },
    {
      name: 'account list',
      summary: 'Lists the accounts, the oldest first.',
      options: { json: JSON_OPTION },
      example: 'earshot account list --json',
      async run(input, terminal) {
        await using books = await open();
        const accounts = (await books.accounts.list()).map((account) => ({
          account_id: account.accountId,
          name: account.name,
          created_at: new Date(account.createdAt).toISOString(),
        }));
        const lines = accounts.map((account) => `${account.account_id}  ${account.created_at}  ${account.name}`);
        printResult(input, terminal, { data: accounts }, lines.length === 0 ? ['There are no accounts yet.'] : lines);
        return EXIT.ok;
      },
    },
  ];
}
