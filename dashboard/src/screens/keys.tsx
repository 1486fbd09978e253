import { useState, type ReactNode } from 'react';
import type { IssuedKey, KeyRow } from '../../../src/http/api/contract.ts';
import { changeQuery, go, useQueryString } from '../place.ts';
import { readAgain, useAccountQuery, useMe, usePages } from '../query.ts';
import { Button } from '../ui/button.tsx';
import { Filter } from '../ui/field.tsx';
import { CapBar, Mark, type Tone } from '../ui/marks.tsx';
import { Menu } from '../ui/menu.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card, PageHead } from '../ui/page.tsx';
import { DataTable, moreOf, type Columns } from '../ui/table.tsx';
import { Countdown, Distance, Money, Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { KeyForm } from './key-form.tsx';
import { KeyShown, RevokeKey, RotateKey } from './key-dialogs.tsx';
import { SearchBox } from '../ui/search-box.tsx';

type Open =
  | { readonly kind: 'edit' | 'rotate' | 'revoke'; readonly key: KeyRow }
  | { readonly kind: 'shown'; readonly issued: IssuedKey };

export default function Keys(): ReactNode {
  const query = useQueryString();
  const me = useMe();
  const [open, setOpen] = useState<Open | null>(null);
  const keys = usePages<KeyRow>('/keys', {
    ...useAccountQuery(),
    q: query['q'],
    state: query['state'] ?? 'live',
    kind: query['kind'],
    limit: 50,
  });
  const mayChange = me.role !== 'viewer';
  const done = (issued: IssuedKey | null): void => {
    changeQuery({ new: null });
    setOpen(issued === null ? null : { kind: 'shown', issued });
    readAgain('/keys', '/overview');
  };
  const close = (): void => done(null);
  return (
    <>
      <PageHead
        title={t('Keys')}
        about={t('Programs call the API with them. A cap is hard: a key never spends more in a calendar month (UTC).')}
      >
        {mayChange && (
          <Button look="main" onClick={() => changeQuery({ new: '1' })}>
            {t('Create a key')}
          </Button>
        )}
      </PageHead>
      <div className="mb-3 flex flex-wrap gap-2">
        <SearchBox label={t('Name, id or last four')} value={query['q'] ?? ''} onChange={(q) => changeQuery({ q })} />
        <Filter label={t('State')} value={query['state'] ?? 'live'} onChange={(state) => changeQuery({ state })}>
          <option value="live">{t('live')}</option>
          <option value="ended">{t('ended')}</option>
          <option value="all">{t('all')}</option>
        </Filter>
        <Filter label={t('Kind')} value={query['kind'] ?? ''} onChange={(kind) => changeQuery({ kind })}>
          <option value="">{t('all')}</option>
          <option value="wholesale">{t('wholesale')}</option>
          <option value="console">{t('console')}</option>
        </Filter>
      </div>
      <ErrorNote error={keys.error} again={() => void keys.refetch()} />
      <Card>
        <DataTable
          label={t('Keys')}
          rows={keys.rows}
          rowId={(key) => key.key_id}
          columns={columnsFor(mayChange, me.role === 'operator', setOpen)}
          more={moreOf(keys)}
          empty={
            <Empty title={query['q'] === undefined ? t('There is no such key') : t('No key has this name')}>
              <p>{t('A wholesale key transcribes; a console key only reads models, prices and usage.')}</p>
            </Empty>
          }
        />
      </Card>
      {query['new'] === '1' && mayChange && <KeyForm onClose={close} onCreated={done} />}
      {open?.kind === 'edit' && <KeyForm row={open.key} onClose={close} onCreated={done} />}
      {open?.kind === 'rotate' && <RotateKey row={open.key} onClose={close} onRotated={done} />}
      {open?.kind === 'revoke' && <RevokeKey row={open.key} onClose={close} />}
      {open?.kind === 'shown' && <KeyShown issued={open.issued} onClose={close} />}
    </>
  );
}

const STATE_TONES: Record<KeyRow['state'], Tone> = { live: 'good', retiring: 'warn', expired: 'plain', revoked: 'bad' };

function KeyState({ row }: { row: KeyRow }): ReactNode {
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
      <Mark tone={STATE_TONES[row.state]}>{t(row.state)}</Mark>
      {row.state === 'retiring' && row.retires_at !== null && (
        <span className="text-xs text-warn" title={t('The old key works until then')}>
          <Countdown to={row.retires_at} />
        </span>
      )}
      {row.state === 'live' && row.expires_at !== null && (
        <span className="text-xs text-muted">
          {t('ends')} <Distance at={row.expires_at} />
        </span>
      )}
      {row.state === 'revoked' && row.revoked_at !== null && (
        <span className="text-xs text-muted">
          <Distance at={row.revoked_at} />
        </span>
      )}
    </span>
  );
}

function Limits({ row }: { row: KeyRow }): ReactNode {
  const { default_limits: defaults } = useMe();
  const marks = [
    row.allowed_models === null ? null : t('{count} models', { count: row.allowed_models.length }),
    row.allowed_addresses === null ? null : t('{count} addresses', { count: row.allowed_addresses.length }),
  ].filter((mark) => mark !== null);
  return (
    <span
      className="text-xs whitespace-nowrap text-muted"
      title={[...(row.allowed_models ?? []), ...(row.allowed_addresses ?? [])].join('\n')}
    >
      {t('{count} a minute, {parallel} at once', {
        count: row.requests_per_minute ?? defaults.requests_per_minute,
        parallel: row.concurrency ?? defaults.concurrency,
      })}
      {marks.length > 0 && ` · ${marks.join(' · ')}`}
    </span>
  );
}

function columnsFor(mayChange: boolean, isOperator: boolean, open: (what: Open) => void): Columns<KeyRow> {
  const columns: Columns<KeyRow> = [
    {
      id: 'name',
      header: t('Key'),
      cell: ({ row: { original: row } }) => (
        <div className="max-w-[30vw] min-w-20 sm:max-w-56">
          <div className="truncate font-medium" title={row.name}>
            {row.name}
          </div>
          <div className="truncate font-mono text-xs text-muted" title={row.key_id}>
            {row.kind === 'wholesale' ? 'esw_' : 'esc_'}…{row.last_four}{' '}
            <span className="font-sans">{t(row.kind)}</span>
          </div>
          <div className="mt-1 sm:hidden">
            <KeyState row={row} />
          </div>
        </div>
      ),
    },
    ...(isOperator
      ? [
          {
            id: 'account',
            header: t('Account'),
            meta: { from: 'xl' },
            cell: ({ row }) => <span className="block max-w-40 truncate">{row.original.account.name}</span>,
          } satisfies Columns<KeyRow>[number],
        ]
      : []),
    { id: 'state', header: t('State'), meta: { from: 'sm' }, cell: ({ row }) => <KeyState row={row.original} /> },
    {
      id: 'cap',
      header: t('Spent of the cap this month'),
      cell: ({ row: { original: row } }) => (
        <div className="min-w-24 sm:min-w-44">
          <div className="mb-1 flex flex-wrap justify-between gap-x-3 text-xs">
            <Money usd={row.spent_usd} />
            <span className="text-muted">{row.cap_usd === null ? t('no cap') : <Money usd={row.cap_usd} />}</span>
          </div>
          <CapBar spent={row.spent_usd} held={row.held_usd} cap={row.cap_usd} />
          {row.remaining_usd !== null && (
            <div className="mt-1 text-xs text-muted">
              <Money usd={row.remaining_usd} /> {t('left')}
            </div>
          )}
        </div>
      ),
    },
    {
      id: 'used',
      header: t('Last used'),
      meta: { from: 'md' },
      cell: ({ row: { original: row } }) =>
        row.last_used_at === null ? (
          <span className="text-muted">{t('never')}</span>
        ) : (
          <Distance at={row.last_used_at} />
        ),
    },
    { id: 'limits', header: t('Limits'), meta: { from: 'xl' }, cell: ({ row }) => <Limits row={row.original} /> },
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
      cell: ({ row: { original: row } }) => (
        <Menu label={t('Actions for {name}', { name: row.name })} items={itemsFor(row, mayChange, open)} />
      ),
    },
  ];
  return columns;
}

function itemsFor(key: KeyRow, mayChange: boolean, open: (what: Open) => void) {
  const lives = key.state === 'live' || key.state === 'retiring';
  return [
    { label: t('Its requests'), onSelect: () => go('/requests', { key: key.key_id }) },
    { label: t('Its usage'), onSelect: () => go('/usage', { key: key.key_id }) },
    ...(mayChange && lives
      ? [
          { label: t('Edit'), onSelect: () => open({ kind: 'edit', key }) },
          { label: t('Rotate'), onSelect: () => open({ kind: 'rotate', key }) },
          { label: t('Revoke'), danger: true, onSelect: () => open({ kind: 'revoke', key }) },
        ]
      : []),
  ];
}
