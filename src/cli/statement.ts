import { statementCsv } from '../billing/statement-csv.ts';
import type { Statement } from '../billing/statement.ts';
import { EXIT, JSON_OPTION, printResult, UsageError, type Command } from './command.ts';
import { readMonth } from './read-values.ts';

export interface StatementBooks extends AsyncDisposable {
  readonly statement: (accountId: string, month: string) => Promise<Statement>;
}

export function statementCommand(open: () => Promise<StatementBooks>): Command {
  return {
    name: 'statement',
    summary: 'What an account owes for a month (UTC), by model and key.',
    options: {
      account: { value: 'ID', help: 'the account', required: true },
      month: { value: 'YYYY-MM', help: 'the calendar month', required: true },
      csv: { help: 'prints the lines as CSV' },
      json: JSON_OPTION,
    },
    example: 'earshot statement --account acc_… --month 2026-07 --csv',
    async run(input, terminal) {
      if (input.flag('csv') && input.flag('json')) throw new UsageError('Give --csv or --json, not both.');
      const month = readMonth(input, 'month');
      await using books = await open();
      const found = await books.statement(input.required('account'), month);
      // The terminal ends each output with a line break of its own.
      if (input.flag('csv')) terminal.out(statementCsv(found).trimEnd());
      else printResult(input, terminal, found, statementLines(found));
      return EXIT.ok;
    },
  };
}

function statementLines(found: Statement): string[] {
  const amounts = (one: Statement['total']): string =>
    `${one.requests} requests  ${one.seconds} s  ${one.input_tokens} + ${one.output_tokens} tokens  ` +
    `list $${one.list_usd}  discount $${one.discount_usd}  cost $${one.cost_usd}`;
  return [
    `${found.account_name} (${found.account_id}), ${found.month}`,
    ...found.lines.map((line) => `${line.model || '(no model)'}  ${line.key_id}  ${line.key_name}  ${amounts(line)}`),
    `total  ${amounts(found.total)}`,
  ];
}
