import { useState, type ReactNode } from 'react';
import type { CreditRequest, StatementReply } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import {
  fromNano,
  showCount,
  showDiscount,
  showExactSeconds,
  showMonth,
  showSeconds,
  showUsd,
  toNano,
} from '../format.ts';
import { changeQuery, useQueryString } from '../place.ts';
import { readAgain, useAccount, useAccountQuery, useApi, useMe } from '../query.ts';
import { useSending } from '../sending.ts';
import { Button } from '../ui/button.tsx';
import { CsvLink } from '../ui/csv-link.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { atFields, Filter, SelectField, TextField } from '../ui/field.tsx';
import { Mark } from '../ui/marks.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/notes.tsx';
import { Card, Figure, PageHead } from '../ui/page.tsx';
import { DataTable, type Columns } from '../ui/table.tsx';
import { Money, Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';

export default function Billing(): ReactNode {
  const query = useQueryString();
  const account = useAccount();
  const asked = { ...useAccountQuery(), month: query['month'] };
  const { data, error, refetch } = useApi<StatementReply>('/statements', asked, { enabled: account !== null });
  if (account === null)
    return (
      <>
        <PageHead title={t('Billing')} />
        <Card>
          <Empty title={t('A statement belongs to one account')}>{t('Choose an account above.')}</Empty>
        </Card>
      </>
    );
  return (
    <>
      <PageHead title={t('Billing')} about={t('A statement for each calendar month in UTC, exact to the nano-dollar.')}>
        {data !== undefined && (
          <div className="no-print">
            <Filter label={t('Month')} value={data.month} onChange={(month) => changeQuery({ month })}>
              {monthsOf(data).map((month) => (
                <option key={month} value={month}>
                  {showMonth(month)}
                </option>
              ))}
            </Filter>
          </div>
        )}
        <CsvLink path="/statements.csv" query={asked} />
        <Button className="no-print" onClick={() => window.print()}>
          {t('Print')}
        </Button>
      </PageHead>
      <ErrorNote error={error} again={() => void refetch()} />
      {data === undefined && error === null && (
        <Card>
          <Skeleton lines={8} />
        </Card>
      )}
      {data !== undefined && <Statement statement={data} />}
    </>
  );
}

function monthsOf({ month, months }: StatementReply): readonly string[] {
  const current = new Date().toISOString().slice(0, 7);
  return [...new Set([current, month, ...months.map(({ month: one }) => one)])].sort().reverse();
}

function Statement({ statement }: { statement: StatementReply }): ReactNode {
  const { total, contract } = statement;
  return (
    <div className="space-y-4">
      <Card
        title={`${statement.account.name} · ${showMonth(statement.month)}`}
        about={statement.account.account_id}
        actions={
          statement.closed ? (
            <Mark tone="good">{t('the month is over')}</Mark>
          ) : (
            <Mark tone="warn">{t('the month goes on')}</Mark>
          )
        }
      >
        <dl className="grid grid-cols-2 sm:grid-cols-4">
          <Figure name={t('To pay')}>
            <Money usd={total.cost_usd} digits={9} />
          </Figure>
          <Figure name={t('At list price')}>
            <Money usd={total.list_usd} digits={9} />
          </Figure>
          <Figure
            name={t('Discount')}
            note={
              contract === null
                ? t('no contract')
                : t('contract {version}: {discount}', {
                    version: contract.version,
                    discount: showDiscount(contract.discount_bps),
                  })
            }
          >
            <Money usd={total.discount_usd} digits={9} />
          </Figure>
          <Figure name={t('Audio')} note={t('{amount} requests', { amount: showCount(total.requests) })}>
            {showSeconds(total.seconds)}
          </Figure>
        </dl>
        <DataTable
          label={t('The lines of the statement')}
          rows={statement.lines}
          rowId={(line) => `${line.model} ${line.key_id}`}
          columns={LINE_COLUMNS()}
          empty={<Empty title={t('Nothing was called in this month')} />}
        />
      </Card>
      <Balance statement={statement} />
    </div>
  );
}

const LINE_COLUMNS = (): Columns<StatementReply['lines'][number]> => [
  {
    id: 'model',
    header: t('Model'),
    cell: ({ row }) => (row.original.model === '' ? t('no model named') : row.original.model),
  },
  {
    id: 'key',
    header: t('Key'),
    cell: ({ row }) => (
      <span className="block max-w-48 truncate" title={row.original.key_id}>
        {row.original.key_name}
      </span>
    ),
  },
  {
    id: 'requests',
    header: t('Requests'),
    meta: { number: true, from: 'sm' },
    cell: ({ row }) => showCount(row.original.requests),
  },
  {
    id: 'seconds',
    header: t('Audio'),
    meta: { number: true, from: 'md' },
    cell: ({ row }) => showExactSeconds(row.original.seconds),
  },
  {
    id: 'in',
    header: t('Input tokens'),
    meta: { number: true, from: 'lg' },
    cell: ({ row }) => showCount(row.original.input_tokens),
  },
  {
    id: 'out',
    header: t('Output tokens'),
    meta: { number: true, from: 'lg' },
    cell: ({ row }) => showCount(row.original.output_tokens),
  },
  {
    id: 'list',
    header: t('At list price'),
    meta: { number: true, from: 'md' },
    cell: ({ row }) => <Money usd={row.original.list_usd} digits={9} />,
  },
  {
    id: 'discount',
    header: t('Discount'),
    meta: { number: true, from: 'lg' },
    cell: ({ row }) => <Money usd={row.original.discount_usd} digits={9} />,
  },
  {
    id: 'cost',
    header: t('Cost'),
    meta: { number: true },
    cell: ({ row }) => <Money usd={row.original.cost_usd} digits={9} />,
  },
];

function Balance({ statement }: { statement: StatementReply }): ReactNode {
  const me = useMe();
  const [open, setOpen] = useState(false);
  const { balance } = statement;
  const isOperator = me.role === 'operator';
  if (balance === null && !isOperator) return null;
  return (
    <Card
      title={t('Balance')}
      className="no-print"
      actions={
        isOperator && (
          <Button small onClick={() => setOpen(true)}>
            {t('Add or take credit')}
          </Button>
        )
      }
    >
      {balance === null ? (
        <Empty title={t('This account is not prepaid')}>
          {t('A credit counts on its balance. Calls stop when that is used up only if the account is made prepaid.')}
        </Empty>
      ) : (
        <>
          <dl className="grid grid-cols-2">
            <Figure
              name={t('Balance')}
              note={balance.prepaid ? t('calls stop when it is used up') : t('not prepaid: it limits no call')}
            >
              <Money usd={balance.balance_usd} />
            </Figure>
            <Figure name={t('Held now')}>
              <Money usd={balance.held_usd} />
            </Figure>
          </dl>
          <DataTable
            label={t('Credits and debits')}
            rows={balance.entries}
            rowId={(entry) => `${entry.created_at} ${entry.amount_usd}`}
            columns={ENTRY_COLUMNS()}
            empty={<Empty title={t('No credit yet')} />}
          />
        </>
      )}
      {open && (
        <Credit
          accountId={statement.account.account_id}
          isPrepaid={balance?.prepaid === true}
          balanceUsd={balance?.balance_usd ?? fromNano(-chargedSoFar(statement))}
          onClose={() => setOpen(false)}
        />
      )}
    </Card>
  );
}

/** In nano-dollars: what an account owes that never had a credit. */
function chargedSoFar({ months }: StatementReply): bigint {
  return months.reduce((sum, { cost_usd: cost }) => sum + toNano(cost), 0n);
}

type Entry = NonNullable<StatementReply['balance']>['entries'][number];

const ENTRY_COLUMNS = (): Columns<Entry> => [
  { id: 'at', header: t('Time'), cell: ({ row }) => <Time at={row.original.created_at} /> },
  { id: 'note', header: t('Note'), cell: ({ row }) => row.original.note ?? '—' },
  {
    id: 'amount',
    header: t('Amount'),
    meta: { number: true },
    cell: ({ row: { original: entry } }) => (
      <Money usd={entry.kind === 'debit' ? `-${entry.amount_usd}` : entry.amount_usd} />
    ),
  },
];

interface CreditProperties {
  readonly accountId: string;
  readonly isPrepaid: boolean;
  readonly balanceUsd: string;
  readonly onClose: () => void;
}

function Credit({ accountId, isPrepaid, balanceUsd, onClose }: CreditProperties): ReactNode {
  const [kind, setKind] = useState<CreditRequest['kind']>('credit');
  const [usd, setUsd] = useState('');
  const [note, setNote] = useState('');
  const { error, busy, onSubmit } = useSending(async () => {
    const request: CreditRequest = { account_id: accountId, kind, usd: usd.trim(), note: note.trim() };
    await post('/credits', request);
    readAgain('/statements', '/overview', '/accounts');
    onClose();
  });
  const { at, rest } = atFields(error, 'usd', 'note');
  return (
    <Dialog
      title={t('Add or take credit')}
      description={t('It becomes a row of the ledger, which is never changed.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <SelectField
          label={t('What')}
          {...(kind === 'prepaid' && {
            hint: t('What was charged before counts: the balance stands at {balance} without this.', {
              balance: showUsd(balanceUsd).text,
            }),
          })}
          value={kind}
          onChange={({ target }) => setKind(target.value as CreditRequest['kind'])}
        >
          <option value="credit">{t('Add to the balance')}</option>
          {!isPrepaid && <option value="prepaid">{t('Add to it, and make the account prepaid')}</option>}
          <option value="debit">{t('Take from the balance')}</option>
        </SelectField>
        <TextField
          label={t('Amount in US dollars')}
          required
          inputMode="decimal"
          pattern="\d{1,9}(\.\d{1,9})?"
          error={at('usd')}
          value={usd}
          onChange={({ target }) => setUsd(target.value)}
        />
        <TextField
          label={t('Note')}
          required
          maxLength={500}
          hint={t('Such as the number of an invoice.')}
          error={at('note')}
          value={note}
          onChange={({ target }) => setNote(target.value)}
        />
        <ErrorNote error={rest} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {t('Write it down')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
