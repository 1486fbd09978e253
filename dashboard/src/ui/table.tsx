/** A list as a table on a wide page; columns that a phone has no room for say so. */
import {
  flexRender,
  getCoreRowModel,
  useReactTable,
  type Cell,
  type ColumnDef,
  type RowData,
} from '@tanstack/react-table';
import { useEffect, useRef, type ReactNode } from 'react';
import { t } from '../words/words.ts';
import { Button } from './button.tsx';
import { Skeleton } from './notes.tsx';

declare module '@tanstack/react-table' {
  interface ColumnMeta<TData extends RowData, TValue> {
    readonly number?: boolean;
    /** Stays in sight at the right, however far the rest is moved. */
    readonly actions?: boolean;
    /** Left out below this width of the page. */
    readonly from?: 'sm' | 'md' | 'lg' | 'xl' | '2xl';
  }
}

export type Columns<Row> = readonly ColumnDef<Row, unknown>[];

interface Properties<Row> {
  readonly label: string;
  readonly rows: readonly Row[] | undefined;
  readonly columns: Columns<Row>;
  readonly rowId: (row: Row) => string;
  readonly empty: ReactNode;
  readonly onOpen?: (row: Row) => void;
  readonly more?: { readonly has: boolean; readonly busy: boolean; readonly load: () => void };
  readonly foot?: ReactNode;
}

const FROM = {
  sm: 'max-sm:hidden',
  md: 'max-md:hidden',
  lg: 'max-lg:hidden',
  xl: 'max-xl:hidden',
  '2xl': 'max-2xl:hidden',
};

function cellClass(meta: { number?: boolean; actions?: boolean; from?: keyof typeof FROM } = {}): string {
  const { number = false, actions = false, from } = meta;
  return [number ? 'number' : '', actions ? 'actions' : '', from === undefined ? '' : FROM[from]].join(' ').trim();
}

export function DataTable<Row>({ label, rows, columns, rowId, empty, onOpen, more, foot }: Properties<Row>): ReactNode {
  const table = useReactTable({
    data: rows as Row[],
    columns: columns as ColumnDef<Row, unknown>[],
    getRowId: rowId,
    getCoreRowModel: getCoreRowModel(),
  });
  if (rows === undefined) return <Skeleton lines={6} />;
  if (rows.length === 0) return empty;
  return (
    <div className="relative overflow-x-auto rounded-card" tabIndex={0} role="region" aria-label={label}>
      <table className="data-table">
        <caption className="sr-only">{label}</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => (
                <th key={header.id} scope="col" className={cellClass(header.column.columnDef.meta)}>
                  {flexRender(header.column.columnDef.header, header.getContext())}
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              className={onOpen === undefined ? '' : 'cursor-pointer hover:bg-raised'}
              onClick={(event) => {
                const { target } = event;
                const inside = target instanceof Element && target.closest('a, button, [role=menu], [role=menuitem]');
                if (onOpen !== undefined && !inside && getSelection()?.toString() === '') onOpen(row.original);
              }}
            >
              {row.getVisibleCells().map((cell) => (
                <td key={cell.id} className={cellClass(cell.column.columnDef.meta)}>
                  {cellContent(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {foot}
      </table>
      {more?.has === true && <More busy={more.busy} load={more.load} />}
    </div>
  );
}

/**
 * Called instead of rendered as a component: columns are made anew with each drawing, and a button in a component that is
 * another one each time would lose the focus.
 */
function cellContent<Row>({ column, getContext }: Cell<Row, unknown>): ReactNode {
  const { cell } = column.columnDef;
  return typeof cell === 'function' ? (cell(getContext()) as ReactNode) : cell;
}

/** Loads the next page when it comes into sight, or is pressed. */
function More({ busy, load }: { busy: boolean; load: () => void }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = place;
    if (current === null || busy) return undefined;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting === true && load(), {
      rootMargin: '200px',
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [busy, load]);
  return (
    <div ref={place} className="flex justify-center p-3">
      <Button small busy={busy} onClick={load}>
        {t('Show more')}
      </Button>
    </div>
  );
}

/** The `more` of a list that is read by pages. */
export function moreOf(pages: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }) {
  return { has: pages.hasNextPage, busy: pages.isFetchingNextPage, load: () => void pages.fetchNextPage() };
}
