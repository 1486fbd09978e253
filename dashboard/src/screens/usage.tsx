import type { ReactNode } from 'react';
import type { KeyRow, ModelsReply, Page, UsageReply } from '../../../src/http/api/contract.ts';
import { showCount, showSeconds, showShare } from '../format.ts';
import { changeQuery, go, useQueryString, type Query } from '../place.ts';
import { useAccountQuery, useApi } from '../query.ts';
import { Chart } from '../ui/chart.tsx';
import { CsvLink } from '../ui/csv-link.tsx';
import { Filter } from '../ui/field.tsx';
import { useKeyNames, useOfferedKeys } from '../ui/key-choice.tsx';
import { Link } from '../ui/link.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/notes.tsx';
import { Card, Figure, PageHead } from '../ui/page.tsx';
import { DataTable, type Columns } from '../ui/table.tsx';
import { Money } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { nextDay } from './overview.tsx';

type Group = UsageReply['group_by'];
type Row = UsageReply['data'][number];

const day = (time: number): string => new Date(time).toISOString().slice(0, 10);

const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));

/** The days that were chosen; without two of them, as in a mistyped address, this month. */
function daysOf(query: Query): { range: string; from: string; to: string } {
  const { range = 'month', from = '', to = '' } = query;
  if (range !== 'custom') return { range, ...rangeOf(range) };
  return isDay(from) && isDay(to) ? { range, from, to } : { range: 'month', ...rangeOf('month') };
}

/** The first and the last day (UTC) of what people mean by these words. */
function rangeOf(name: string, now = new Date()): { from: string; to: string } {
  const today = day(now.getTime());
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  switch (name) {
    case '7d':
      return { from: day(now.getTime() - 6 * 86_400_000), to: today };
    case '30d':
      return { from: day(now.getTime() - 29 * 86_400_000), to: today };
    case '90d':
      return { from: day(now.getTime() - 89 * 86_400_000), to: today };
    case 'last-month':
      return { from: day(Date.UTC(year, month - 1, 1)), to: day(Date.UTC(year, month, 0)) };
    case 'year':
      return { from: day(Date.UTC(year, 0, 1)), to: today };
    default:
      return { from: day(Date.UTC(year, month, 1)), to: today };
  }
}

const RANGES = ['month', '7d', '30d', '90d', 'last-month', 'year'] as const;

export default function Usage(): ReactNode {
  const query = useQueryString();
  const accountQuery = useAccountQuery();
  const groupBy = (query['group'] ?? 'day') as Group;
  const { range, from, to } = daysOf(query);
  const asked = { ...accountQuery, from, to: nextDay(to), group_by: groupBy, model: query['model'], key: query['key'] };
  const { data, error, refetch } = useApi<UsageReply>('/usage', asked);
  const toRequests = (more: Record<string, string | undefined>): void =>
    go('/requests', { from, to: nextDay(to), model: query['model'], key: query['key'], ...more });
  return (
    <>
      <PageHead
        title={t('Usage')}
        about={t(
          'What was called and what it cost. The address of this page holds what you chose: keep it, or send it on.',
        )}
      >
        <CsvLink path="/usage.csv" query={asked} />
      </PageHead>
      <Filters range={range} from={from} to={to} groupBy={groupBy} />
      <ErrorNote error={error} again={() => void refetch()} />
      {data === undefined ? (
        <Card>
          <Skeleton lines={10} />
        </Card>
      ) : (
        <div className="space-y-4">
          <Card>
            <dl className="grid grid-cols-2 sm:grid-cols-3 lg:grid-cols-6">
              <Figure name={t('Cost')}>
                <Money usd={data.total.cost_usd} />
              </Figure>
              <Figure name={t('At list price')}>
                <Money usd={data.total.list_usd} />
              </Figure>
              <Figure name={t('Requests')}>{showCount(data.total.requests)}</Figure>
              <Figure name={t('Errors')}>{showShare(data.total.errors, data.total.requests)}</Figure>
              <Figure name={t('Audio')}>{showSeconds(data.total.seconds)}</Figure>
              <Figure name={t('Tokens')}>{showCount(data.total.input_tokens + data.total.output_tokens)}</Figure>
            </dl>
            {data.days.length > 0 && (
              <Chart
                bars={data.days.map(({ day: at, group, label, cost_usd: usd }) => ({ day: at, group, label, usd }))}
                from={from}
                to={to}
                label={t('Cost per day')}
                rest={t('others')}
                onPick={(picked) => toRequests({ from: picked, to: nextDay(picked) })}
              />
            )}
          </Card>
          <Card>
            <DataTable
              label={t('Usage')}
              rows={data.data}
              rowId={(row) => row.group}
              columns={columnsFor(groupBy)}
              onOpen={(row) => toRequests(filterOf(groupBy, row))}
              empty={
                <Empty title={t('Nothing was called in this time')}>
                  {t('Choose a longer time, or take a filter away.')}
                </Empty>
              }
              foot={data.data.length > 1 ? <Total total={data.total} /> : undefined}
            />
          </Card>
        </div>
      )}
    </>
  );
}

function filterOf(groupBy: Group, { group }: Row): Record<string, string> {
  return groupBy === 'day' ? { from: group, to: nextDay(group) } : { [groupBy]: group };
}

function Filters({ range, from, to, groupBy }: { range: string; from: string; to: string; groupBy: Group }): ReactNode {
  const query = useQueryString();
  const names = {
    month: t('This month'),
    '7d': t('7 days'),
    '30d': t('30 days'),
    '90d': t('90 days'),
    'last-month': t('Last month'),
    year: t('This year'),
  };
  return (
    <div className="mb-4 grid grid-cols-2 gap-2 sm:flex sm:flex-wrap">
      <Filter
        label={t('Time')}
        value={range}
        onChange={(chosen) =>
          changeQuery(chosen === 'custom' ? { range: chosen, from, to } : { range: chosen, from: null, to: null })
        }
      >
        {RANGES.map((name) => (
          <option key={name} value={name}>
            {names[name]}
          </option>
        ))}
        <option value="custom">{t('From … to …')}</option>
      </Filter>
      {range === 'custom' && (
        <>
          <DayBox label={t('The first day')} value={from} onChange={(value) => changeQuery({ from: value })} />
          <DayBox label={t('The last day')} value={to} onChange={(value) => changeQuery({ to: value })} />
        </>
      )}
      <Filter label={t('By')} value={groupBy} onChange={(group) => changeQuery({ group })}>
        <option value="day">{t('day')}</option>
        <option value="model">{t('model')}</option>
        <option value="key">{t('key')}</option>
      </Filter>
      <ModelFilter value={query['model'] ?? ''} />
      <KeyFilter value={query['key'] ?? ''} />
    </div>
  );
}

export function DayBox({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (day: string) => void;
}): ReactNode {
  return (
    <input
      type="date"
      aria-label={label}
      title={label}
      required
      value={value}
      onChange={({ target }) => target.value !== '' && onChange(target.value)}
      className="min-h-8 rounded-lg border border-line bg-surface px-2"
    />
  );
}

export function ModelFilter({ value }: { value: string }): ReactNode {
  const models = useApi<ModelsReply>('/models', useAccountQuery());
  return (
    <Filter label={t('Model')} value={value} onChange={(model) => changeQuery({ model })}>
      <option value="">{t('all')}</option>
      {value !== '' && models.data?.data.every(({ model }) => model !== value) === true && <option>{value}</option>}
      {models.data?.data.map(({ model }) => (
        <option key={model}>{model}</option>
      ))}
    </Filter>
  );
}

export function KeyFilter({ value }: { value: string }): ReactNode {
  const { rows, search } = useOfferedKeys({ state: 'all' });
  const nameOf = useKeyNames();
  const isOffered = value === '' || rows?.some(({ key_id: id }) => id === value) === true;
  // A key that is not among them is found by its id.
  const asked = { ...useAccountQuery(), state: 'all', q: value, limit: 1 };
  const named = useApi<Page<KeyRow>>('/keys', asked, { enabled: rows !== undefined && !isOffered }).data?.data[0];
  return (
    <>
      <Filter label={t('Key')} value={value} onChange={(key) => changeQuery({ key })}>
        <option value="">{t('all')}</option>
        {!isOffered && <option value={value}>{named?.key_id === value ? nameOf(named) : value}</option>}
        {rows?.map((key) => (
          <option key={key.key_id} value={key.key_id}>
            {nameOf(key)}
          </option>
        ))}
      </Filter>
      {search}
    </>
  );
}

function columnsFor(groupBy: Group): Columns<Row> {
  const head = { day: t('Day (UTC)'), model: t('Model'), key: t('Key') }[groupBy];
  return [
    {
      id: 'group',
      header: head,
      cell: ({ row: { original: row } }) => (
        <Link
          to="/requests"
          query={filterOf(groupBy, row)}
          className="block max-w-64 truncate font-medium hover:text-accent hover:underline"
          title={t('Its requests')}
        >
          {row.label === '' ? t('no model named') : row.label}
        </Link>
      ),
    },
    {
      id: 'requests',
      header: t('Requests'),
      meta: { number: true },
      cell: ({ row }) => showCount(row.original.requests),
    },
    {
      id: 'errors',
      header: t('Errors'),
      meta: { number: true, from: 'sm' },
      cell: ({ row: { original: row } }) => (
        <span title={showCount(row.errors)}>{showShare(row.errors, row.requests)}</span>
      ),
    },
    {
      id: 'audio',
      header: t('Audio'),
      meta: { number: true, from: 'sm' },
      cell: ({ row }) => <span title={`${row.original.seconds} s`}>{showSeconds(row.original.seconds)}</span>,
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
      cell: ({ row }) => <Money usd={row.original.list_usd} digits={6} />,
    },
    {
      id: 'cost',
      header: t('Cost'),
      meta: { number: true },
      cell: ({ row }) => <Money usd={row.original.cost_usd} digits={6} />,
    },
  ];
}

function Total({ total }: { total: UsageReply['total'] }): ReactNode {
  return (
    <tfoot>
      <tr className="border-t-2 border-line font-semibold">
        <td>{t('Total')}</td>
        <td className="number">{showCount(total.requests)}</td>
        <td className="number max-sm:hidden">{showShare(total.errors, total.requests)}</td>
        <td className="number max-sm:hidden">{showSeconds(total.seconds)}</td>
        <td className="number max-lg:hidden">{showCount(total.input_tokens)}</td>
        <td className="number max-lg:hidden">{showCount(total.output_tokens)}</td>
        <td className="number max-md:hidden">
          <Money usd={total.list_usd} digits={6} />
        </td>
        <td className="number">
          <Money usd={total.cost_usd} digits={6} />
        </td>
      </tr>
    </tfoot>
  );
}
