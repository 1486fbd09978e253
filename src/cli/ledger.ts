import type { Verification } from '../billing/verify.ts';
import { EXIT, JSON_OPTION, printResult, type Command } from './command.ts';

export interface LedgerBooks extends AsyncDisposable {
  readonly verifyLedger: () => Promise<Verification>;
}

export function ledgerCommands(open: () => Promise<LedgerBooks>): Command[] {
  return [
    {
      name: 'ledger verify',
      summary: 'Recounts the ledger from its rows and compares; exit code 1 where something differs.',
      options: { json: JSON_OPTION },
      example: 'earshot ledger verify',
      async run(input, terminal) {
        await using books = await open();
        const found = await books.verifyLedger();
        printResult(input, terminal, found, [
          `${found.balanced ? 'Balanced' : 'NOT BALANCED'}: ${found.transactions} transactions, ${found.open_holds} open holds.`,
          ...found.differences.map(
            ({ check, id, expected, found: was }) => `${id}: ${check}: expected ${expected}, found ${was}`,
          ),
        ]);
        return found.balanced ? EXIT.ok : EXIT.failed;
      },
    },
  ];
}
