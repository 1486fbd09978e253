import type { ExplainedLine, Explanation } from '../billing/explain.ts';
import type { Verification } from '../billing/verify.ts';
import { EXIT, JSON_OPTION, printResult, type Command } from './command.ts';

export interface LedgerBooks extends AsyncDisposable {
  readonly verifyLedger: () => Promise<Verification>;
  readonly explainCharge: (requestId: string) => Promise<Explanation>;
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
    {
      name: 'ledger explain',
      summary: 'Works out one charge again from the rows that it names; exit code 1 where it comes to something else.',
      positional: 'REQUEST_ID',
      options: { json: JSON_OPTION },
      example: 'earshot ledger explain req_…',
      async run(input, terminal) {
        await using books = await open();
        const found = await books.explainCharge(input.positionals[0] ?? '');
        printResult(input, terminal, found, explanationLines(found));
        return found.matches ? EXIT.ok : EXIT.failed;
      },
    },
  ];
}

function explanationLines(found: Explanation): string[] {
  const { contract, key_terms: keyTerms } = found;
  return [
    `${found.request_id}: ${found.seconds} s of audio with ${found.model}, begun ${found.started_at}`,
    `account ${found.account_id}, key ${found.key_id}`,
    `list price version ${found.price_version}`,
    contract === null
      ? 'no contract'
      : `contract version ${contract.version}: ${contract.discount_bps} bps, tiers ${contract.tiers || 'none'}`,
    ...(keyTerms === null ? [] : [`key terms version ${keyTerms.version}: tiers ${keyTerms.tiers || 'none'}`]),
    ...(found.list_spend_before_usd === null
      ? []
      : [`list spend of the month before: $${found.list_spend_before_usd}`]),
    ...found.lines.flatMap(lineArithmetic),
    `cost $${found.cost_usd} of list $${found.list_usd}, held $${found.held_usd}`,
    `charged $${found.charged_usd}: ${found.matches ? 'as computed' : 'NOT AS COMPUTED'}`,
  ];
}

function lineArithmetic(line: ExplainedLine): string[] {
  const price = `${line.quantity} ${line.item} x $${line.price_usd} / ${line.price_quantity} = list $${line.list_usd}`;
  const parts = line.parts.map(({ list_usd: list, discount_bps: bps }) => `    $${list} x (10000 - ${bps}) / 10000`);
  return [`  ${price}`, ...parts, `    rounded up once: $${line.cost_usd}`];
}
