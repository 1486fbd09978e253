import type { ReactNode } from 'react';
import type { EngineEntry, EnginesReply } from '../../../src/http/api/contract.ts';
import { showCount, showMs, showSeconds } from '../format.ts';
import { useApi } from '../query.ts';
import { Dot, Mark } from '../ui/marks.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card, Figure } from '../ui/page.tsx';
import { DataTable, type Columns } from '../ui/table.tsx';
import { Distance } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { engineTone, engineWord } from './overview.tsx';

const EVERY_MS = 2_000;

export function EngineTable(): ReactNode {
  const { data, error, refetch } = useApi<EnginesReply>('/engines', {}, { refetchInterval: EVERY_MS });
  return (
    <div className="space-y-4">
      <ErrorNote error={error} again={() => void refetch()} />
      <Card title={t('Queue')}>
        <dl className="grid grid-cols-2 sm:grid-cols-4">
          <Figure name={t('Pieces that wait')}>
            {data === undefined ? '—' : showCount(data.queue.waiting_pieces)}
          </Figure>
          <Figure name={t('Audio that waits')}>
            {data === undefined ? '—' : showSeconds(data.queue.waiting_audio_seconds)}
          </Figure>
        </dl>
      </Card>
      <Card title={t('Engines')} about={t('Counted since this server started.')}>
        <DataTable
          label={t('Engines')}
          rows={data?.data}
          rowId={(engine) => engine.engine}
          columns={columns()}
          empty={<Empty title={t('No engine')}>{t('Run “earshot doctor” to see what is missing.')}</Empty>}
        />
      </Card>
    </div>
  );
}

const columns = (): Columns<EngineEntry> => [
  {
    id: 'engine',
    header: t('Engine'),
    cell: ({ row: { original: engine } }) => (
      <span className="flex items-center gap-2">
        <Dot tone={engineTone(engine)} />
        <span className="font-medium">{engine.engine}</span>
        {engine.model !== null && <span className="text-xs text-muted max-lg:hidden">{engine.model}</span>}
      </span>
    ),
  },
  {
    id: 'health',
    header: t('Health'),
    cell: ({ row: { original: engine } }) => (
      <span className="flex flex-wrap items-center gap-1.5">
        <Mark tone={engineTone(engine)}>{engineWord(engine)}</Mark>
        {engine.askable_in_ms > 0 && (
          <span className="text-xs text-muted">{t('in {time}', { time: showMs(engine.askable_in_ms) })}</span>
        )}
      </span>
    ),
  },
  {
    id: 'flight',
    header: t('In flight'),
    meta: { number: true },
    cell: ({ row }) => `${row.original.in_flight} / ${row.original.concurrency}`,
  },
  { id: 'breaker', header: t('Breaker'), meta: { from: 'md' }, cell: ({ row }) => t(row.original.breaker) },
  {
    id: 'text',
    header: t('Texts'),
    meta: { number: true, from: 'sm' },
    cell: ({ row }) => showCount(row.original.attempts.text),
  },
  {
    id: 'failed',
    header: t('Failed'),
    meta: { number: true, from: 'sm' },
    cell: ({
      row: {
        original: { attempts },
      },
    }) => (
      <span
        title={Object.entries(attempts)
          .map(([name, count]) => `${name} ${count}`)
          .join('\n')}
      >
        {showCount(attempts.failed + attempts.busy + attempts.refused + attempts.unavailable)}
      </span>
    ),
  },
  {
    id: 'speed',
    header: t('Speed'),
    meta: { number: true, from: 'lg' },
    cell: ({ row: { original: engine } }) =>
      engine.busy_seconds === 0
        ? '—'
        : t('{times} × real time', { times: (engine.audio_seconds / engine.busy_seconds).toFixed(1) }),
  },
  {
    id: 'last',
    header: t('Last text'),
    meta: { from: 'md' },
    cell: ({ row: { original: engine } }) =>
      engine.last_text_at === null ? '—' : <Distance at={engine.last_text_at} every={2_000} />,
  },
];
