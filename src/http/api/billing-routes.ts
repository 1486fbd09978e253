/** Statements and balances. */
import type { Route } from '../app.ts';
import { auditBy } from './audit-by.ts';
import { creditRequest, statementsQuery, type StatementReply } from './contract.ts';
import { csvResponse } from './csv-response.ts';
import { bodyOf, EVERYBODY, oneAccountOf, OPERATOR, queryOf, type ApiCall } from './guard.ts';
import { nanoUsd } from './read-values.ts';
import type { ApiServices } from './api-services.ts';

export function billingRoutes(services: ApiServices): Route[] {
  const { guard, reports } = services;
  const asked = (call: ApiCall): { accountId: string; month: string } => {
    const { account, month = new Date(reports.now()).toISOString().slice(0, 7) } = queryOf(call, statementsQuery);
    return { accountId: oneAccountOf(call, account, 'account'), month };
  };
  return [
    guard.route('GET', '/api/statements', EVERYBODY, async (call): Promise<StatementReply> => {
      const { accountId, month } = asked(call);
      return reports.statementPage(accountId, month);
    }),
    guard.route('GET', '/api/statements.csv', EVERYBODY, async (call) => {
      const { accountId, month } = asked(call);
      return csvResponse(`statement-${month}.csv`, await reports.statementCsv(accountId, month));
    }),
    guard.route('POST', '/api/credits', OPERATOR, async (call): Promise<StatementReply['balance']> => {
      const { account_id: accountId, kind, usd, note } = await bodyOf(call, creditRequest);
      const amount = nanoUsd(usd, 'usd');
      const entry = auditBy(call, accountId, kind === 'debit' ? 'balance.debit' : 'balance.credit', accountId, {
        usd,
        note,
        ...(kind === 'prepaid' ? { prepaid: true } : {}),
      });
      const { balances } = services.changes(() => entry);
      await (kind === 'debit'
        ? balances.debit(accountId, amount, note)
        : balances.credit(accountId, amount, note, kind === 'prepaid'));
      services.changed();
      return reports.balanceOf(accountId);
    }),
  ];
}
