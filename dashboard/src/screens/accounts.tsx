import { useState, type ReactNode } from 'react';
import type { AccountRow, CreateAccountRequest, SetContractRequest } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import { showCount, showDiscount } from '../format.ts';
import { go } from '../place.ts';
import { readAgain, usePages } from '../query.ts';
import { useSending } from '../sending.ts';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { atFields, TextField } from '../ui/field.tsx';
import { Menu } from '../ui/menu.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card } from '../ui/page.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { DataTable, moreOf, type Columns } from '../ui/table.tsx';
import { Money, Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { Preview, usePreview } from './preview.tsx';

export function Accounts(): ReactNode {
  const [q, setQ] = useState('');
  const [creates, setCreates] = useState(false);
  const [contract, setContract] = useState<AccountRow | null>(null);
  const accounts = usePages<AccountRow>('/accounts', { q, limit: 50 });
  return (
    <>
      <div className="mb-3 flex flex-wrap justify-between gap-2">
        <SearchBox label={t('Name or id')} value={q} onChange={setQ} />
        <Button look="main" onClick={() => setCreates(true)}>
          {t('Create an account')}
        </Button>
      </div>
      <ErrorNote error={accounts.error} again={() => void accounts.refetch()} />
      <Card>
        <DataTable
          label={t('Accounts')}
          rows={accounts.rows}
          rowId={(account) => account.account_id}
          columns={columnsFor(setContract)}
          more={moreOf(accounts)}
          empty={
            <Empty title={t('No account')}>
              {t('An account is a customer: keys, a contract and statements belong to it.')}
            </Empty>
          }
        />
      </Card>
      {creates && <CreateAccount onClose={() => setCreates(false)} />}
      {contract !== null && <ContractForm account={contract} onClose={() => setContract(null)} />}
    </>
  );
}

function columnsFor(edit: (account: AccountRow) => void): Columns<AccountRow> {
  return [
    {
      id: 'name',
      header: t('Account'),
      cell: ({ row: { original: account } }) => (
        <div className="max-w-[28vw] sm:max-w-56">
          <div className="truncate font-medium" title={account.name}>
            {account.name}
          </div>
          <div className="truncate font-mono text-xs text-muted" title={account.account_id}>
            {account.account_id}
          </div>
        </div>
      ),
    },
    {
      id: 'contract',
      header: t('Contract'),
      meta: { from: 'md' },
      cell: ({
        row: {
          original: { contract },
        },
      }) =>
        contract === null ? (
          <span className="text-muted">{t('list price')}</span>
        ) : (
          <span title={t('version {version} of the contract', { version: contract.version })}>
            {showDiscount(contract.discount_bps)}
            {contract.tiers !== '' && <span className="ml-1.5 font-mono text-xs text-muted">{contract.tiers}</span>}
          </span>
        ),
    },
    {
      id: 'keys',
      header: t('Live keys'),
      meta: { number: true, from: 'sm' },
      cell: ({ row }) => showCount(row.original.live_keys),
    },
    {
      id: 'requests',
      header: t('Requests this month'),
      meta: { number: true, from: 'xl' },
      cell: ({ row }) => showCount(row.original.month_requests),
    },
    {
      id: 'cost',
      header: t('Spent this month'),
      meta: { number: true },
      cell: ({ row }) => <Money usd={row.original.month_cost_usd} />,
    },
    {
      id: 'balance',
      header: t('Balance'),
      meta: { number: true, from: 'md' },
      cell: ({ row: { original: account } }) =>
        account.balance_usd === null ? '—' : <Money usd={account.balance_usd} />,
    },
    {
      id: 'made',
      header: t('Made'),
      meta: { from: '2xl' },
      cell: ({ row }) => <Time at={row.original.created_at} how="day" />,
    },
    {
      id: 'actions',
      meta: { actions: true },
      header: () => <span className="sr-only">{t('Actions')}</span>,
      cell: ({ row: { original: account } }) => (
        <Menu
          label={t('Actions for {name}', { name: account.name })}
          items={[
            { label: t('Look at it'), onSelect: () => go('/', { account: account.account_id }) },
            { label: t('Its keys'), onSelect: () => go('/keys', { account: account.account_id }) },
            { label: t('Its statements'), onSelect: () => go('/billing', { account: account.account_id }) },
            { label: t('Change the contract'), onSelect: () => edit(account) },
          ]}
        />
      ),
    },
  ];
}

const AMOUNT = '\\d{1,9}(\\.\\d{1,9})?';
const TIERS = '\\s*|[\\d.]+:\\d+(\\s*,\\s*[\\d.]+:\\d+)*';
const bps = (percent: string): number => Math.round(Number(percent) * 100);

function CreateAccount({ onClose }: { onClose: () => void }): ReactNode {
  const [values, setValues] = useState({ name: '', discount: '', tiers: '', balance: '' });
  const set = (change: Partial<typeof values>): void => setValues((before) => ({ ...before, ...change }));
  const { error, busy, onSubmit } = useSending(async () => {
    const request: CreateAccountRequest = {
      name: values.name.trim(),
      ...(values.discount.trim() === '' ? {} : { discount_bps: bps(values.discount) }),
      ...(values.tiers.trim() === '' ? {} : { tiers: values.tiers.replaceAll(' ', '') }),
      ...(values.balance.trim() === '' ? {} : { balance_usd: values.balance.trim() }),
    };
    await post<AccountRow>('/accounts', request);
    readAgain('/accounts');
    onClose();
  });
  const { at, rest } = atFields(error, 'name', 'discount_bps', 'tiers', 'balance_usd');
  return (
    <Dialog
      title={t('Create an account')}
      description={t('A customer, whose keys and statements it will hold.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <TextField
          label={t('Name')}
          required
          autoFocus
          maxLength={200}
          error={at('name')}
          value={values.name}
          onChange={({ target }) => set({ name: target.value })}
        />
        <DiscountField value={values.discount} error={at('discount_bps')} onChange={(discount) => set({ discount })} />
        <TiersField value={values.tiers} error={at('tiers')} onChange={(tiers) => set({ tiers })} />
        <TextField
          label={t('Prepaid balance in US dollars')}
          inputMode="decimal"
          pattern={AMOUNT}
          placeholder={t('not prepaid')}
          hint={t('With one, calls stop when it is used up.')}
          error={at('balance_usd')}
          value={values.balance}
          onChange={({ target }) => set({ balance: target.value })}
        />
        <ErrorNote error={rest} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {t('Create the account')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface OneField {
  readonly value: string;
  readonly error: string | null;
  readonly onChange: (value: string) => void;
}

function DiscountField({ value, error, onChange }: OneField): ReactNode {
  return (
    <TextField
      label={t('Discount in percent')}
      inputMode="decimal"
      pattern="\d{1,3}(\.\d{1,2})?"
      placeholder="0"
      error={error}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

function TiersField({ value, error, onChange }: OneField): ReactNode {
  return (
    <TextField
      label={t('Tiers')}
      pattern={TIERS}
      placeholder="1000:500,10000:1200"
      hint={t('USD:basis points. Above 1,000 dollars of list spend in a month, 5 % off.')}
      error={error}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

function ContractForm({ account, onClose }: { account: AccountRow; onClose: () => void }): ReactNode {
  const [discount, setDiscount] = useState(String((account.contract?.discount_bps ?? 0) / 100));
  const [tiers, setTiers] = useState(account.contract?.tiers ?? '');
  const [from, setFrom] = useState('');
  const request: SetContractRequest = {
    account_id: account.account_id,
    discount_bps: bps(discount),
    tiers: tiers.replaceAll(' ', ''),
    ...(from === '' ? {} : { valid_from: `${from}T00:00:00Z` }),
  };
  const complete = /^\d{1,3}(\.\d{1,2})?$/.test(discount) && new RegExp(`^(${TIERS})$`).test(tiers);
  const preview = usePreview('/contracts/preview', request, complete);
  const { error, busy, onSubmit } = useSending(async () => {
    await post('/contracts', request);
    readAgain('/accounts', '/overview', '/models');
    onClose();
  });
  const { at, rest } = atFields(error, 'discount_bps', 'tiers', 'valid_from');
  return (
    <Dialog
      wide
      title={t('Contract of {name}', { name: account.name })}
      description={t('A new version of it; calls keep the version that they were charged by.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <DiscountField value={discount} error={at('discount_bps')} onChange={setDiscount} />
          <TextField
            label={t('From')}
            type="date"
            hint={t('At 00:00 UTC. Empty: from now on.')}
            error={at('valid_from')}
            value={from}
            onChange={({ target }) => setFrom(target.value)}
          />
        </div>
        <TiersField value={tiers} error={at('tiers')} onChange={setTiers} />
        <Preview preview={preview} />
        <ErrorNote error={rest} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {from === '' ? t('Change it now') : t('Change it on that day')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
