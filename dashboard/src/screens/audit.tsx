import { useState, type ReactNode } from 'react';
import type { AuditRow } from '../../../src/http/api/contract.ts';
import { usePages } from '../query.ts';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card } from '../ui/page.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { DataTable, moreOf, type Columns } from '../ui/table.tsx';
import { Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';

export function Audit(): ReactNode {
  const [action, setAction] = useState('');
  const rows = usePages<AuditRow>('/audit', { action, limit: 100 });
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-3">
        <SearchBox label={t('Action, such as key.revoke')} value={action} onChange={setAction} />
        <p className="text-muted">
          {t('Every change and every log-in. The database lets nobody change or delete a row.')}
        </p>
      </div>
      <ErrorNote error={rows.error} again={() => void rows.refetch()} />
      <Card>
        <DataTable
          label={t('Audit log')}
          rows={rows.rows}
          rowId={(row) => row.audit_id}
          columns={columns()}
          more={moreOf(rows)}
          empty={<Empty title={t('Nothing of this kind was done')} />}
        />
      </Card>
    </>
  );
}

const columns = (): Columns<AuditRow> => [
  { id: 'at', header: t('Time'), cell: ({ row }) => <Time at={row.original.at} how="second" /> },
  {
    id: 'action',
    header: t('Action'),
    cell: ({ row: { original: row } }) => (
      <>
        <span className="font-medium wrap-anywhere sm:whitespace-nowrap">{row.action}</span>
        <span className="block max-w-[36vw] truncate text-xs text-muted sm:hidden">{row.user?.email ?? '—'}</span>
      </>
    ),
  },
  {
    id: 'user',
    header: t('User'),
    meta: { from: 'sm' },
    cell: ({ row }) => <span className="block max-w-48 truncate">{row.original.user?.email ?? '—'}</span>,
  },
  { id: 'account', header: t('Account'), meta: { from: 'xl' }, cell: ({ row }) => row.original.account?.name ?? '—' },
  {
    id: 'target',
    header: t('What'),
    meta: { from: 'md' },
    cell: ({ row: { original: row } }) => (
      <div className="max-w-44 lg:max-w-60 xl:max-w-xs 2xl:max-w-md">
        <div className="truncate font-mono text-xs">{row.target ?? ''}</div>
        <div className="truncate text-xs text-muted" title={details(row)}>
          {details(row)}
        </div>
      </div>
    ),
  },
  {
    id: 'address',
    header: t('Address'),
    meta: { from: 'xl' },
    cell: ({ row }) => <span className="font-mono text-xs">{row.original.address ?? '—'}</span>,
  },
];

function details({ detail }: AuditRow): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${value ?? '—'}`)
    .join(', ');
}
