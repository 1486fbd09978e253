import { USAGE_GROUPS, type UsageQuery, type UsageReport } from '../billing/usage-query.ts';
import type { Clock } from '../core/clock.ts';
import { EXIT, JSON_OPTION, printResult, UsageError, type Command } from './command.ts';
import { readChoice, readTime } from './read-values.ts';

export interface UsageBooks extends AsyncDisposable {
  readonly usageReport: (query: UsageQuery) => Promise<UsageReport>;
}

export function usageCommand(open: () => Promise<UsageBooks>, clock: Clock): Command {
  return {
    name: 'usage',
    summary: 'Totals of calls by day, model or key; without a range, this month (UTC) until now.',
    options: {
      account: { value: 'ID', help: 'of this account only' },
      from: { value: 'TIME', help: 'the first instant' },
      to: { value: 'TIME', help: 'the first instant after the last' },
      'group-by': { value: 'GROUP', help: `${USAGE_GROUPS.join(', ')}; default day` },
      json: JSON_OPTION,
    },
    example: 'earshot usage --account acc_… --from 2026-07-01 --group-by model',
    async run(input, terminal) {
      const now = new Date(clock.now());
      const query: UsageQuery = {
        accountId: input.option('account') ?? null,
        keyId: null,
        from: readTime(input, 'from') ?? Date.UTC(now.getUTCFullYear(), now.getUTCMonth()),
        to: readTime(input, 'to') ?? now.getTime() + 1,
        groupBy: readChoice(input, 'group-by', USAGE_GROUPS),
      };
      if (query.from >= query.to) throw new UsageError('--to must be later than --from.');
      await using books = await open();
      const report = await books.usageReport(query);
      printResult(input, terminal, report, table(report));
      return EXIT.ok;
    },
  };
}

function table(report: UsageReport): string[] {
  const rows = [...report.data, { group: 'total', ...report.total }];
  const width = Math.max(...rows.map(({ group }) => group.length));
  return rows.map((row) =>
    [
      row.group.padEnd(width),
      `${row.requests} requests`,
      `${row.errors} errors`,
      `${row.seconds} s`,
      `${row.input_tokens} + ${row.output_tokens} tokens`,
      `$${row.cost_usd}`,
    ].join('  '),
  );
}
